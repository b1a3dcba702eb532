package io.github.remoe.report;

import ai.djl.Device;

import io.github.remoe.evaluate.Verdict;
import io.github.remoe.figure.AttackSheet;
import io.github.remoe.figure.Figure;
import io.github.remoe.report.EvaluatedImages.Shown;
import io.github.remoe.report.Page.Section;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
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
                    ? "This folder holds no network, so its images are not shown."
                    : "Without verdicts on single images (verdicts.csv) it is not known which were"
                            + " evaluated. Evaluate the run.";
            return List.of(regions.missing(reason), gallery.missing(reason));
        }
        try (EvaluatedImages images = EvaluatedImages.open(run, device)) {
            ImagesSections sections = new ImagesSections(run, images, count(run, runs));
            sections.fillRegions(regions);
            sections.fillGallery(gallery);
        } catch (IOException | IllegalArgumentException e) {
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

    private void fillRegions(Section section) {
        if (!run.config().remoe()) {
            section.text("This network has no ReMoE layers, so there are no region weights.");
            return;
        }
        section.text(
                "Saliency is the attention that each patch gets; W is its mean over each region,"
                        + " scaled to mean 1. The centre region is outlined; regions that top-k switched off are"
                        + " hatched.");
        if (images.noAttacked() != null) {
            section.missing(images.noAttacked());
        }
        List<Figure> figures = new ArrayList<>();
        for (Shown shown : images.look(spread())) {
            figures.add(shown.panel().draw());
        }
        section.panels(figures);
    }

    /** The first images of each class in turn, right ones if there are any. */
    private List<Long> spread() {
        SortedMap<Integer, List<Long>> byClass = new TreeMap<>();
        Predicate<Verdict> usable =
                verdict -> images.noAttacked() != null || images.isAttacked(verdict.index());
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

    private void fillGallery(Section section) {
        if (images.noAttacked() != null) {
            section.missing(images.noAttacked());
            return;
        }
        section.text(String.format(
                "The adversarial images are those of the evaluation: %s, ε = %s. Images that the"
                        + " network takes rightly as they are, ordered by how many attacks and radii"
                        + " broke them, then by the margin that is left. An image that broke at a"
                        + " smaller radius is shown as it was there.",
                images.attack(), run.epsilon(run.mainEpsilon())));
        Map<Long, Long> breaks = breaks();
        List<Shown> candidates = images.look(candidates(breaks));
        if (candidates.isEmpty()) {
            section.missing("The network takes none of the images rightly as it is, so there was"
                    + " nothing to attack.");
            return;
        }
        Comparator<Shown> fragileFirst = Comparator.comparing(
                        (Shown shown) -> breaks.get(shown.index()), Comparator.reverseOrder())
                .thenComparing(shown -> shown.inspected().attacked().margin());
        List<Shown> ordered = candidates.stream().sorted(fragileFirst).toList();
        int fragile = Math.min((count + 1) / 2, (ordered.size() + 1) / 2);
        int stable = Math.min(count / 2, ordered.size() - fragile);
        List<Figure> sheets = new ArrayList<>();
        sheets.add(sheet("most-fragile", "Most fragile", ordered.subList(0, fragile)));
        if (stable > 0) {
            List<Shown> last =
                    new ArrayList<>(ordered.subList(ordered.size() - stable, ordered.size()));
            Collections.reverse(last);
            sheets.add(sheet("most-stable", "Most stable", last));
        }
        section.panels(sheets);
    }

    private Figure sheet(String name, String title, List<Shown> shown) {
        return new AttackSheet(
                        run.id() + "-" + name,
                        title,
                        shown.stream().map(Shown::row).toList())
                .draw();
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
