package io.github.remoe.report;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset;

import io.github.remoe.data.Datasets;
import io.github.remoe.data.PixelDataset;
import io.github.remoe.evaluate.AdversarialSet;
import io.github.remoe.evaluate.Verdict;
import io.github.remoe.figure.AttackSheet;
import io.github.remoe.figure.RegionPanel;
import io.github.remoe.run.RunFolder;
import io.github.remoe.vit.VisionTransformer;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The images that a run was evaluated on, clean from its data and attacked as the evaluation has saved
 * them, with what the network makes of them.
 */
final class EvaluatedImages implements AutoCloseable {

    private final ReportedRun run;
    private final int epsilon;
    private final Model model;
    private final NDManager manager;
    private final Inspector inspector;
    private final PixelDataset dataset;
    // By attack; null where the evaluation has not saved the images.
    private final List<Path> saved = new ArrayList<>();
    private final Map<Long, Verdict> verdicts = new HashMap<>();

    /**
     * An image.
     *
     * @param index its index in the dataset
     * @param inspected what the network makes of it, clean and attacked
     * @param panel what the ReMoE layers look at
     * @param sheet what the attack did, or null if there is no adversarial image
     */
    record Shown(long index, InspectedImage inspected, RegionPanel panel, AttackSheet sheet) {}

    private EvaluatedImages(ReportedRun run, Model model) throws IOException {
        this.run = run;
        this.model = model;
        epsilon = run.mainEpsilon();
        VisionTransformer network = (VisionTransformer) model.getBlock();
        dataset = dataset(run, network);
        float radius = run.results().threatModel().epsilons().get(epsilon);
        for (String attack : run.attacks()) {
            Path file = run.path()
                    .resolve("adversarial")
                    .resolve(AdversarialSet.fileName(attack, radius));
            saved.add(Files.exists(file) ? file : null);
            if (Files.exists(file)
                    && !AdversarialSet.settings(file).equals(run.verdicts().settings())) {
                throw new IOException("The adversarial images in " + file
                        + " are of another evaluation. Evaluate again with --save-adversarial.");
            }
        }
        run.verdicts().all().forEach(verdict -> verdicts.put(verdict.index(), verdict));
        manager = model.getNDManager().newSubManager();
        inspector = new Inspector(network, manager);
    }

    /**
     * Opens the images of a run.
     *
     * @throws IOException if they, or the network, are not what was evaluated, or cannot be read; the
     *     message says what to do
     */
    static EvaluatedImages open(ReportedRun run, Device device) throws IOException {
        Model model = model(run, device);
        try {
            return new EvaluatedImages(run, model);
        } catch (IOException | RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /** The weights that were evaluated are known by their checksum. */
    private static Model model(ReportedRun run, Device device) throws IOException {
        RunFolder folder = new RunFolder(run.path());
        for (RunFolder.Weights weights : RunFolder.Weights.values()) {
            if (folder.has(weights)) {
                Model model = folder.loadModel(weights, device);
                if (isEvaluated(run, model)) {
                    return model;
                }
                model.close();
            }
        }
        throw new FileNotFoundException(
                "The folder does not hold the weights that were evaluated, so"
                        + " their images cannot be shown. Evaluate again.");
    }

    private static boolean isEvaluated(ReportedRun run, Model model) {
        String checksum = run.config().describe(model).checksum();
        // What an evaluation adds to it tells how it was attacked.
        return run.results().model().checksum().startsWith(checksum);
    }

    private static PixelDataset dataset(ReportedRun run, VisionTransformer network)
            throws IOException {
        PixelDataset dataset;
        try {
            dataset = Datasets.builder(
                            run.config().data(), Dataset.Usage.TEST, network.getImageSize())
                    .setSampling(1, false)
                    .build();
        } catch (IOException | RuntimeException e) {
            throw new IOException(
                    "The images cannot be read any more, so none is shown: " + e.getMessage(), e);
        }
        if (!dataset.getChecksum().equals(run.results().dataset().checksum())) {
            throw new IOException(String.format(
                    "The test images of %s are not those that were evaluated (%s), so none is shown.",
                    run.config().data(), run.results().dataset().name()));
        }
        return dataset;
    }

    /** Whether the evaluation has saved adversarial images. */
    boolean hasAttacked() {
        return saved.stream().anyMatch(Objects::nonNull);
    }

    /** Whether there is an adversarial image. */
    boolean isAttacked(long index) {
        return attackOn(index).isPresent();
    }

    /** The attack that broke an image; if none did, the strongest of those that tried. */
    private Optional<Integer> attackOn(long index) {
        Verdict verdict = verdicts.get(index);
        return IntStream.range(0, saved.size())
                .filter(attack -> saved.get(attack) != null)
                .filter(attack ->
                        verdict.predictions().get(attack).get(epsilon) != Verdict.NOT_ATTACKED)
                .boxed()
                .min(Comparator.comparing((Integer attack) -> !verdict.isBroken(attack, epsilon))
                        .thenComparing(
                                attack -> run.robust(attack, epsilon).accuracy().value()));
    }

    /** Looks at images that are all attacked, or none of which is, in the order of the indices given. */
    List<Shown> look(List<Long> indices) throws IOException {
        List<Shown> shown = new ArrayList<>();
        if (indices.isEmpty()) {
            return shown;
        }
        long[] positions = indices.stream().mapToLong(Long::longValue).toArray();
        try (NDManager batchManager = manager.newSubManager();
                Batch batch = dataset.getByIndices(batchManager, positions)) {
            NDArray clean = batch.getData().singletonOrThrow();
            clean.attach(batchManager);
            NDArray adversarial = hasAttacked() ? adversarial(batchManager, indices) : null;
            long[] labels = batch.getLabels().singletonOrThrow().toLongArray();
            List<InspectedImage> inspected = inspector.inspect(clean, adversarial, labels);
            for (int i = 0; i < positions.length; i++) {
                shown.add(shown(
                        positions[i],
                        inspected.get(i),
                        clean.get(i),
                        adversarial == null ? null : adversarial.get(i)));
            }
        }
        return shown;
    }

    /** The adversarial images as they are saved, each of its own attack. */
    private NDArray adversarial(NDManager batchManager, List<Long> indices) throws IOException {
        Map<Integer, List<Long>> byAttack = indices.stream()
                .collect(Collectors.groupingBy(index -> attackOn(index).orElseThrow()));
        Map<Long, NDArray> images = new HashMap<>();
        for (Map.Entry<Integer, List<Long>> entry : byAttack.entrySet()) {
            // It goes with the batch's manager.
            AdversarialSet set = AdversarialSet.load(
                    saved.get(entry.getKey()), batchManager, Set.copyOf(entry.getValue()));
            long[] rows = set.indices();
            for (int row = 0; row < rows.length; row++) {
                images.put(rows[row], set.images().get(row));
            }
        }
        NDList ordered = new NDList();
        for (long index : indices) {
            NDArray image = images.get(index);
            if (image == null) {
                throw new IOException(String.format(
                        "%s lacks image %d, which the evaluation has attacked. Evaluate again.",
                        saved.get(attackOn(index).orElseThrow()), index));
            }
            ordered.add(image);
        }
        return NDArrays.stack(ordered);
    }

    private Shown shown(long index, InspectedImage inspected, NDArray clean, NDArray adversarial) {
        String title = "image " + index;
        String attack = attackOn(index).map(run.attacks()::get).orElse(null);
        return new Shown(
                index,
                inspected,
                inspected.regionPanel(
                        run.id() + "-regions-" + index,
                        title,
                        run.classes(),
                        clean,
                        attack,
                        adversarial),
                adversarial == null
                        ? null
                        : new AttackSheet(
                                run.id() + "-attacked-" + index,
                                attack,
                                List.of(inspected.sheetRow(
                                        title, run.classes(), clean, adversarial))));
    }

    @Override
    public void close() {
        inspector.close();
        manager.close();
        model.close();
    }
}
