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
import io.github.remoe.figure.AttackSheet;
import io.github.remoe.figure.RegionPanel;
import io.github.remoe.run.RunFolder;
import io.github.remoe.vit.VisionTransformer;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The images that a run was evaluated on, clean from its data and attacked as the evaluation has saved
 * them, with what the network makes of them.
 */
final class EvaluatedImages implements AutoCloseable {

    private final ReportedRun run;
    private final Model model;
    private final NDManager manager;
    private final Inspector inspector;
    private final PixelDataset dataset;
    private final AdversarialSet attacked;
    private final Map<Long, Integer> rows = new HashMap<>();
    private final String noAttacked;

    /**
     * An image.
     *
     * @param index its index in the dataset
     * @param inspected what the network makes of it, clean and attacked
     * @param panel what the ReMoE layers look at
     * @param row what the attack did, or null if there is no adversarial image
     */
    record Shown(long index, InspectedImage inspected, RegionPanel panel, AttackSheet.Row row) {}

    private EvaluatedImages(ReportedRun run, Model model) throws IOException {
        this.run = run;
        this.model = model;
        VisionTransformer network = (VisionTransformer) model.getBlock();
        dataset = dataset(run, network);
        manager = model.getNDManager().newSubManager();
        Path file = adversarialFile(run);
        AdversarialSet saved = null;
        String reason = null;
        if (Files.exists(file)) {
            saved = AdversarialSet.load(file, manager);
            if (!saved.settings().equals(run.verdicts().settings())) {
                saved.close();
                saved = null;
                reason = "The adversarial images in " + file + " are of another evaluation.";
            }
        } else {
            reason = "The evaluation has not saved its adversarial images. Evaluate with"
                    + " --save-adversarial to see them.";
        }
        attacked = saved;
        noAttacked = reason;
        if (attacked != null) {
            long[] indices = attacked.indices();
            for (int row = 0; row < indices.length; row++) {
                rows.put(indices[row], row);
            }
        }
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
                // What an evaluation adds to it tells how it was attacked.
                if (run.results()
                        .model()
                        .checksum()
                        .startsWith(run.config().describe(model).checksum())) {
                    return model;
                }
                model.close();
            }
        }
        throw new FileNotFoundException(
                "The folder does not hold the weights that were evaluated, so"
                        + " their images cannot be shown. Evaluate again.");
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

    /** Of the attack that breaks most images, of those that have saved theirs. */
    private static Path adversarialFile(ReportedRun run) {
        Path folder = run.path().resolve("adversarial");
        int epsilon = run.mainEpsilon();
        float radius = run.results().threatModel().epsilons().get(epsilon);
        Path strongest = folder;
        double lowest = Double.POSITIVE_INFINITY;
        for (int attack = 0; attack < run.attacks().size(); attack++) {
            Path file = folder.resolve(AdversarialSet.fileName(run.attacks().get(attack), radius));
            double robust = run.robust(attack, epsilon).accuracy().value();
            if (robust < lowest && Files.exists(file)) {
                strongest = file;
                lowest = robust;
            }
        }
        return Files.isRegularFile(strongest) ? strongest : folder.resolve("none");
    }

    /** Why there are no adversarial images; null if there are. */
    String noAttacked() {
        return noAttacked;
    }

    /** The name of the attack that made the adversarial images. */
    String attack() {
        return attacked.attack();
    }

    /** Whether there is an adversarial image. */
    boolean isAttacked(long index) {
        return rows.containsKey(index);
    }

    /** Looks at images, in the order of their indices given. */
    List<Shown> look(List<Long> indices) {
        List<Shown> shown = new ArrayList<>();
        if (indices.isEmpty()) {
            return shown;
        }
        long[] positions = indices.stream().mapToLong(Long::longValue).toArray();
        try (NDManager batchManager = manager.newSubManager();
                Batch batch = dataset.getByIndices(batchManager, positions)) {
            NDArray clean = batch.getData().singletonOrThrow();
            clean.attach(batchManager);
            NDArray adversarial = attacked == null ? null : adversarial(batchManager, indices);
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

    private Shown shown(long index, InspectedImage inspected, NDArray clean, NDArray adversarial) {
        String title = "image " + index;
        return new Shown(
                index,
                inspected,
                inspected.regionPanel(
                        run.id() + "-regions-" + index,
                        title,
                        run.classes(),
                        clean,
                        adversarial == null ? null : attack(),
                        adversarial),
                adversarial == null
                        ? null
                        : inspected.sheetRow(title, run.classes(), clean, adversarial));
    }

    private NDArray adversarial(NDManager batchManager, List<Long> indices) {
        NDList images = new NDList();
        for (long index : indices) {
            NDArray image = attacked.images().get(rows.get(index));
            image.attach(batchManager);
            images.add(image);
        }
        return NDArrays.stack(images);
    }

    @Override
    public void close() {
        inspector.close();
        manager.close();
        model.close();
    }
}
