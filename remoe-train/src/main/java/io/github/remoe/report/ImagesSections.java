package io.github.remoe.report;

import ai.djl.Device;

import io.github.remoe.evaluate.Verdict;
import io.github.remoe.figure.Figure;
import io.github.remoe.moe.GateType;
import io.github.remoe.report.EvaluatedImages.Shown;
import io.github.remoe.report.Page.Section;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Images of the evaluation: what the experts look at, and what the attack did to them. */
final class ImagesSections {

    private static final int IMAGES = 12;

    // Of these the margins are looked at, so that it takes as long for a thousand images as for
    // all.
    private static final int CANDIDATES = 128;
    private static final int OF_A_CLASS = 2;
    private static final String NOT_SAVED =
            "The evaluation has not saved its adversarial images. Evaluate with --save-adversarial to"
                    + " see them.";

    // Of all pictures of a page, as they lie in it.
    private static final int PAGE_BYTES = 6 << 20;

    private final ReportedRun run;
    private final EvaluatedImages images;
    private final int count;

    private ImagesSections(ReportedRun run, EvaluatedImages images, int count) {
        this.run = run;
        this.images = images;
        this.count = count;
    }

    /** The sections of one of a page's runs. */
    static List<Section> of(ReportedRun run, int runs, Device device) {
        Section regions = new Section(run.id() + "-regions", 3, "Regions");
        Section gallery = new Section(run.id() + "-gallery", 3, "Gallery");
        if (run.config() == null || run.verdicts() == null) {
            String reason = run.config() == null
                    ? run.why(
                            ReportedRun.CONFIG,
                            "This folder holds no network, so its images are not shown.")
                    : run.why(
                            run.results() == null ? ReportedRun.RESULTS : ReportedRun.VERDICTS,
                            "Without verdicts on single images (verdicts.csv) it is not known which"
                                    + " were evaluated. Evaluate the run.");
            return List.of(regions.missing(reason), gallery.missing(reason));
        }
        try (EvaluatedImages images = EvaluatedImages.open(run, device)) {
            ImagesSections sections = new ImagesSections(run, images, count(run, runs));
            sections.fillRegions(regions);
            sections.fillGallery(gallery);
        } catch (IOException | RuntimeException e) {
            return List.of(regions.missing(e.getMessage()), gallery.missing(e.getMessage()));
        }
        return List.of(regions, gallery);
    }

    /** How many images each of these sections shows: fewer where images are large or runs are many. */
    private static int count(ReportedRun run, int runs) {
        int size = run.config().createModel(run.classes().size()).getImageSize();
        // Two pictures there, three here; noise hardly gets smaller as a PNG, and base64 is larger.
        long bytes = 5L * 3 * size * size * 4 / 3;
        return (int) Math.max(1, Math.min(IMAGES, PAGE_BYTES / (runs * bytes)));
    }

    private void fillRegions(Section section) throws IOException {
        if (!run.config().remoe()) {
            section.text("This network has no ReMoE layers, so there are no region weights.");
            return;
        }
        section.text(
                run.config().gate() == GateType.AEA
                        ? "Saliency is the attention that each patch gets; W is its mean over each region,"
                                + " scaled to mean 1."
                        : "Saliency is the attention that each patch gets; this network's gate makes W of"
                                + " something else.");
        section.text("Regions whose expert top-k switched off are hatched. The dashed square is the"
                + " centre region, whose expert is always on. The first images of each class in turn"
                + " are shown, correctly classified ones first.");
        if (!images.hasAttacked()) {
            section.missing(NOT_SAVED);
        }
        section.panels(images.look(spread()).stream()
                .map(shown -> shown.panel().draw())
                .toList());
    }

    /** The first images of each class in turn, right ones if there are any. */
    private List<Long> spread() {
        SortedMap<Integer, List<Long>> byClass = new TreeMap<>();
        Predicate<Verdict> usable =
                verdict -> !images.hasAttacked() || images.isAttacked(verdict.index());
        run.verdicts().all().stream()
                .filter(usable)
                .sorted(Comparator.comparing(Verdict::isCleanCorrect).reversed())
                .forEach(verdict -> byClass.computeIfAbsent(
                                verdict.label(), label -> new ArrayList<>())
                        .add(verdict.index()));
        List<Long> chosen = new ArrayList<>();
        for (int turn = 0; chosen.size() < count; turn++) {
            int nth = turn;
            List<Long> these = byClass.values().stream()
                    .filter(list -> list.size() > nth)
                    .map(list -> list.get(nth))
                    .limit(count - chosen.size())
                    .toList();
            if (these.isEmpty()) {
                break;
            }
            chosen.addAll(these);
        }
        return chosen;
    }

    private void fillGallery(Section section) throws IOException {
        if (!images.hasAttacked()) {
            section.missing(NOT_SAVED);
            return;
        }
        section.text(String.format(
                "The adversarial images are those that the evaluation has saved, each of an attack that"
                        + " broke it if one did, ε = %s. Of images that are correct as they are, at most"
                        + " %d of a class; one that broke at a smaller radius is shown as it was there.",
                run.epsilon(run.mainEpsilon()), OF_A_CLASS));
        Map<Long, Long> breaks = breaks();
        List<Shown> candidates = images.look(candidates(breaks));
        Comparator<Shown> fragileFirst = Comparator.comparing(
                        (Shown shown) -> breaks.get(shown.index()), Comparator.reverseOrder())
                .thenComparing(shown -> shown.inspected().attacked().margin());
        List<Figure> fragile = figures(candidates.stream()
                .filter(shown -> breaks.get(shown.index()) > 0)
                .sorted(fragileFirst));
        section.text(
                "Most fragile: broken by most attacks at most radii, and of those the ones with"
                        + " the widest margin against the true class.");
        if (fragile.isEmpty()) {
            section.text("No attack broke any.");
        }
        section.panels(fragile);
        List<Figure> stable = figures(candidates.stream()
                .filter(shown -> breaks.get(shown.index()) == 0)
                .sorted(fragileFirst.reversed()));
        section.text("Most stable: broken by none, with the widest margin left.");
        if (stable.isEmpty()) {
            section.text("Every image was broken.");
        }
        section.panels(stable);
    }

    private List<Figure> figures(Stream<Shown> ordered) {
        Map<Integer, Integer> ofClass = new HashMap<>();
        return ordered.filter(shown ->
                        ofClass.merge(shown.inspected().label(), 1, Integer::sum) <= OF_A_CLASS)
                .limit((count + 1) / 2)
                .map(shown -> shown.sheet().draw())
                .toList();
    }

    /** For each image that was right before how many attacks, at how many radii, broke it. */
    private Map<Long, Long> breaks() {
        Map<Long, Long> breaks = new LinkedHashMap<>();
        for (Verdict verdict : run.verdicts().all()) {
            if (verdict.isCleanCorrect() && images.isAttacked(verdict.index())) {
                long broken = verdict.predictions().stream()
                        .flatMap(List::stream)
                        .filter(prediction ->
                                prediction != Verdict.NOT_ATTACKED && prediction != verdict.label())
                        .count();
                breaks.put(verdict.index(), broken);
            }
        }
        return breaks;
    }

    /** Those that are broken most often, and those that are least often. */
    private static List<Long> candidates(Map<Long, Long> breaks) {
        List<Long> ordered = breaks.entrySet().stream()
                .sorted(Map.Entry.<Long, Long>comparingByValue()
                        .thenComparing(Map.Entry.comparingByKey()))
                .map(Map.Entry::getKey)
                .toList();
        if (ordered.size() <= CANDIDATES) {
            return ordered;
        }
        return Stream.concat(
                        ordered.subList(0, CANDIDATES / 2).stream(),
                        ordered.subList(ordered.size() - CANDIDATES / 2, ordered.size()).stream())
                .collect(Collectors.toList());
    }
}
