package io.github.remoe.evaluate;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.training.dataset.Batch;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.data.Seeds;
import io.github.remoe.loss.CrossEntropy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Clean and robust accuracy of a model, for several attacks in one pass over the data.
 *
 * <p>An image counts as robust to an attack if it is classified rightly both as it is and attacked:
 * the clean image lies in every attack's reach, so one that is wrong already is not attacked.
 * Verdicts depend on the image's index in its dataset and the seed, not on the batch.
 */
public final class RobustEvaluator {

    private final TargetModel model;
    private final Map<String, Attack> attacks;
    private final long seed;

    /**
     * Creates an evaluator.
     *
     * @param model the model
     * @param attacks the attacks by the names that they get in the result, in order
     * @param seed what the attacks' random choices come from
     */
    public RobustEvaluator(TargetModel model, Map<String, Attack> attacks, long seed) {
        this.model = model;
        this.attacks = new LinkedHashMap<>(attacks);
        this.seed = seed;
    }

    /**
     * Evaluates images.
     *
     * @param batches images (B,3,h,w) and labels (B), with the images' indices; each batch is closed
     * @param progress is told the size of each batch when it is done
     * @return the clean accuracy, then one for each attack
     * @throws IllegalArgumentException if a label is out of range or there are no images
     */
    public List<RobustAccuracy> evaluate(Iterable<Batch> batches, IntConsumer progress) {
        long total = 0;
        long clean = 0;
        Map<String, Long> robust = new LinkedHashMap<>();
        attacks.keySet().forEach(name -> robust.put(name, 0L));
        for (Batch batch : batches) {
            try (batch;
                    NDScope scope = new NDScope()) {
                scope.suppressNotUsedWarning();
                NDArray images = batch.getData().singletonOrThrow();
                NDArray labels = batch.getLabels().singletonOrThrow();
                int[] right = rightlyClassified(images, labels);
                total += images.getShape().get(0);
                clean += right.length;
                if (right.length > 0) {
                    NDArray rightImages = select(images, right);
                    NDArray rightLabels = select(labels, right);
                    long[] seeds = seeds(batch, right);
                    attacks.forEach((name, attack) -> {
                        NDArray adversarial =
                                attack.perturb(model, rightImages, rightLabels, seeds);
                        long held = rightlyClassified(adversarial, rightLabels).length;
                        robust.merge(name, held, Long::sum);
                    });
                }
                progress.accept(Math.toIntExact(images.getShape().get(0)));
            }
        }
        if (total == 0) {
            throw new IllegalArgumentException("There are no images to evaluate.");
        }
        List<RobustAccuracy> result = new ArrayList<>();
        result.add(new RobustAccuracy(RobustAccuracy.CLEAN, clean, total));
        for (Map.Entry<String, Long> entry : robust.entrySet()) {
            result.add(new RobustAccuracy(entry.getKey(), entry.getValue(), total));
        }
        return result;
    }

    private int[] rightlyClassified(NDArray images, NDArray labels) {
        NDArray logits = model.predict(images).head();
        // Also checks that every label is a class of the model.
        CrossEntropy.perImage(logits, labels);
        boolean[] right =
                logits.argMax(1).eq(labels.toType(DataType.INT64, false)).toBooleanArray();
        return IntStream.range(0, right.length).filter(i -> right[i]).toArray();
    }

    private long[] seeds(Batch batch, int[] rows) {
        List<?> indices = batch.getIndices();
        return Arrays.stream(rows)
                .mapToLong(row -> Seeds.of("attack", seed, ((Number) indices.get(row)).longValue()))
                .toArray();
    }

    private static NDArray select(NDArray array, int[] rows) {
        if (rows.length == array.getShape().get(0)) {
            return array;
        }
        NDList all = array.split(array.getShape().get(0));
        NDList chosen = new NDList();
        for (int row : rows) {
            chosen.add(all.get(row));
        }
        return NDArrays.concat(chosen);
    }
}
