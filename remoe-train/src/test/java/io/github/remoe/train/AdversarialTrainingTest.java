package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.TrainingDivergedException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.dataset.Batch;
import ai.djl.training.loss.Loss;

import io.github.remoe.Tensors;
import io.github.remoe.attack.Attack;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.attack.TinyNetworks;
import io.github.remoe.loss.CrossEntropy;
import io.github.remoe.loss.RegionAlignmentLoss;
import io.github.remoe.loss.RegionLosses;

import org.assertj.core.util.DoubleComparator;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

class AdversarialTrainingTest {

    private static final Attack PGD_2 =
            Pgd.builder(ThreatModel.linf(8 / 255f)).optSteps(2).build();

    private static Block linear() {
        return new SequentialBlock()
                .add(Blocks.batchFlattenBlock())
                .add(Linear.builder().setUnits(5).build());
    }

    private static TrainingScheme regionLosses() {
        return new Sat(PGD_2, new RegionLosses(true, 0.5f, 1));
    }

    /** A scheme on clean and adversarial images with any loss. */
    private record Scheme(Attack attack, BiFunction<NDList, NDList, NDArray> function, Loss loss)
            implements TrainingScheme {

        Scheme(BiFunction<NDList, NDList, NDArray> function) {
            this(PGD_2, function, new Loss("test") {
                @Override
                public NDArray evaluate(NDList labels, NDList predictions) {
                    return function.apply(labels, predictions);
                }
            });
        }

        @Override
        public NDList inputs(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
            return new NDList(images, attack.perturb(model, images, labels, seeds));
        }

        @Override
        public Loss getLoss() {
            return loss;
        }
    }

    private static void assertLossFalls(Block block, TrainingScheme scheme) {
        try (TinyTraining training = new TinyTraining(block, scheme, 0.05f).steps(40)) {
            double first = training.losses.get(0);
            double last = training.losses.get(39);
            assertThat(last).isLessThan(0.5 * first);
            assertThat(training.loop.getStep()).isEqualTo(40);
        }
    }

    @Test
    void naturalTrainingLearnsAFewImages() {
        assertLossFalls(linear(), new Nat());
        assertLossFalls(TinyNetworks.reMoEVit(), new Nat());
    }

    @Test
    void adversarialTrainingLearnsAFewImages() {
        assertLossFalls(linear(), new Sat(PGD_2));
        assertLossFalls(TinyNetworks.reMoEVit(), new Sat(PGD_2));
    }

    @Test
    void trainingWithTheRegionLossesLearnsAFewImages() {
        assertLossFalls(TinyNetworks.reMoEVit(), regionLosses());
    }

    @Test
    void alignmentAloneFalls() {
        RegionAlignmentLoss alignment = new RegionAlignmentLoss(100);
        Attack strong = Pgd.builder(ThreatModel.linf(0.2f))
                .optStepSize(0.1f)
                .optSteps(2)
                .build();
        TrainingScheme scheme = new Scheme(strong, null, alignment);
        try (TinyTraining training =
                new TinyTraining(TinyNetworks.reMoEVit(), scheme, 0.05f).steps(40)) {
            assertThat(training.losses.get(0)).isGreaterThan(0.1);
            assertThat(training.losses.get(39)).isLessThan(0.7 * training.losses.get(0));
        }
    }

    @Test
    void alignmentReachesTheAttentionOfItsLayer() {
        // The loss's gradient is seen before the update, which puts it to zero.
        RegionAlignmentLoss alignment = new RegionAlignmentLoss(1);
        Scheme scheme = new Scheme(PGD_2, null, alignment);
        try (TinyTraining training = new TinyTraining(TinyNetworks.reMoEVit(), scheme, 0.1f);
                Batch batch = training.batch(0, 3, 1, 4);
                TargetModel target =
                        new TargetModel(training.model.getBlock(), batch.getManager())) {
            NDList inputs = scheme.inputs(
                    target, batch.getData().head(), batch.getLabels().head(), new long[4]);
            Tensors.backward(() -> {
                NDList predictions = new NDList();
                inputs.forEach(x -> predictions.addAll(training.trainer.forward(new NDList(x))));
                return alignment.evaluate(null, predictions);
            });

            double[] slopes = gradient(training, "02block_02attn_01qkv_weight");
            assertThat(Arrays.stream(slopes).map(Math::abs).max().orElseThrow())
                    .isGreaterThan(1e-6);
            // What comes after the gate does not matter to W.
            assertThat(gradient(training, "03block_02attn_01qkv_weight")).containsOnly(0);
            assertThat(gradient(training, "05head_weight")).containsOnly(0);
        }
    }

    private static double[] gradient(TinyTraining training, String name) {
        Parameter parameter = training.model.getBlock().getParameters().stream()
                .filter(p -> p.getKey().endsWith(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError(
                        training.model.getBlock().getParameters().keys()))
                .getValue();
        return Tensors.doubles(parameter.getArray().getGradient());
    }

    @Test
    void trainingMovesTheRegionWeightsAndEveryParameter() {
        try (TinyTraining training =
                new TinyTraining(TinyNetworks.reMoEVit(), regionLosses(), 0.05f)) {
            double[] weights = training.regionWeights();
            Map<String, double[]> before = training.parameters();

            training.steps(5);

            double[] moved = training.regionWeights();
            double largest = 0;
            for (int i = 0; i < moved.length; i++) {
                largest = Math.max(largest, Math.abs(moved[i] - weights[i]));
            }
            assertThat(largest).isGreaterThan(1e-4);
            training.parameters()
                    .forEach((name, after) ->
                            assertThat(after).as(name).isNotEqualTo(before.get(name)));
        }
    }

    @Test
    void attacksLeaveTheParameterGradientsAtZero() {
        List<Double> seen = new ArrayList<>();
        Block block = TinyNetworks.reMoEVit();
        Attack watched = (model, images, labels, seeds) -> {
            NDArray adversarial = PGD_2.perturb(model, images, labels, seeds);
            block.getParameters().forEach(p -> {
                try (NDArray gradient = p.getValue().getArray().getGradient()) {
                    for (double slope : Tensors.doubles(gradient)) {
                        seen.add(slope);
                    }
                }
            });
            return adversarial;
        };

        try (TinyTraining training =
                new TinyTraining(block, new Sat(watched, new RegionLosses(true, 0.5f, 1)), 0.05f)) {
            training.steps(3);
        }

        assertThat(seen).hasSizeGreaterThan(1000).containsOnly(0.0);
    }

    @Test
    void everyImageHasItsOwnSeedInEveryStepAndTheSameInEveryRun() throws Exception {
        List<Long> first = seeds();

        // 3 epochs of 4 images.
        assertThat(first).hasSize(12).doesNotHaveDuplicates();
        assertThat(seeds()).isEqualTo(first);
    }

    private static List<Long> seeds() throws Exception {
        List<Long> seen = new ArrayList<>();
        Attack spy = (model, images, labels, seeds) -> {
            Arrays.stream(seeds).forEach(seen::add);
            return images;
        };
        try (TinyTraining training = new TinyTraining(linear(), new Sat(spy), 0.1f)) {
            training.loop.fit(3, dataset(training), null);
        }
        return seen;
    }

    @Test
    void theSameSeedTrainsTheSameNetwork() {
        Map<String, double[]> first = trained();

        assertThat(trained()).usingRecursiveComparison().isEqualTo(first);
    }

    private static Map<String, double[]> trained() {
        try (TinyTraining training =
                new TinyTraining(TinyNetworks.reMoEVit(), regionLosses(), 0.05f)) {
            return training.steps(4).parameters();
        }
    }

    @Test
    void gradientsAreClippedTogether() {
        // Nat's first gradient on a linear network is far longer than 0.001.
        try (TinyTraining training = new TinyTraining(linear(), new Nat(), 1);
                AdversarialTraining clipping = AdversarialTraining.builder(
                                training.trainer, scheme(training))
                        .optClipNorm(0.001f)
                        .build();
                Batch batch = training.batch(0, 3, 1, 4)) {
            Map<String, double[]> before = training.parameters();

            clipping.trainBatch(batch);

            double squares = 0;
            for (Map.Entry<String, double[]> entry : training.parameters().entrySet()) {
                double[] old = before.get(entry.getKey());
                for (int i = 0; i < old.length; i++) {
                    squares += Math.pow(entry.getValue()[i] - old[i], 2);
                }
            }
            assertThat(Math.sqrt(squares)).isCloseTo(0.001, within(5e-5));
        }
    }

    /** A scheme with the trainer's own loss. */
    private static TrainingScheme scheme(TinyTraining training) {
        return new TrainingScheme() {
            @Override
            public NDList inputs(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
                return new NDList(images);
            }

            @Override
            public Loss getLoss() {
                return training.trainer.getLoss();
            }
        };
    }

    @Test
    void aLossThatIsNotFiniteChangesNothing() {
        assertDiverges(new Scheme(
                (labels, predictions) -> predictions.head().sum().mul(Float.POSITIVE_INFINITY)));
        assertDiverges(
                new Scheme((labels, predictions) -> predictions.head().sum().mul(Float.NaN)));
    }

    @Test
    void aGradientThatIsNotFiniteChangesNothing() {
        // The square root of zero: the loss is 0, its slope infinite.
        assertDiverges(new Scheme((labels, predictions) -> {
            NDArray logits = predictions.head();
            return logits.sub(logits.stopGradient()).sum().abs().sqrt();
        }));
    }

    private static void assertDiverges(TrainingScheme scheme) {
        try (TinyTraining training = new TinyTraining(linear(), scheme, 0.1f)) {
            Map<String, double[]> before = training.parameters();

            assertThatExceptionOfType(TrainingDivergedException.class)
                    .isThrownBy(() -> training.steps(1))
                    .withMessageContaining("Step 1")
                    .withMessageContaining("learning rate");

            assertThat(training.parameters()).usingRecursiveComparison().isEqualTo(before);
            assertThat(training.loop.getSkipped()).isEqualTo(1);
            assertThat(training.losses).isEmpty();
        }
    }

    @Test
    void aDivergedStepDoesNotSpoilTheNext() {
        boolean[] bad = {true};
        TrainingScheme scheme = new Scheme((labels, predictions) -> {
            NDArray logits = predictions.head();
            return bad[0]
                    ? logits.sub(logits.stopGradient()).sum().abs().sqrt()
                    : CrossEntropy.perImage(logits, labels.head()).mean();
        });
        try (TinyTraining training = new TinyTraining(linear(), scheme, 0.1f)) {
            assertThatExceptionOfType(TrainingDivergedException.class)
                    .isThrownBy(() -> training.steps(1));
            bad[0] = false;

            training.steps(1);

            training.parameters()
                    .values()
                    .forEach(values -> assertThat(Arrays.stream(values).allMatch(Double::isFinite))
                            .isTrue());
        }
    }

    @Test
    void aLabelWithoutAClassIsNamed() {
        for (TrainingScheme scheme : List.of(new Nat(), new Sat(PGD_2))) {
            try (TinyTraining training = new TinyTraining(linear(), scheme, 0.1f);
                    Batch batch = training.batch(0, 1, 2, 5)) {
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> training.loop.trainBatch(batch))
                        .withMessageContaining("Label 5");
                training.steps(1);
            }
        }
    }

    @Test
    void regionLossesNeedAReMoENetwork() {
        try (TinyTraining training = new TinyTraining(linear(), regionLosses(), 0.1f)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> training.steps(1))
                    .withMessageContaining("Insert ReMoE blocks");
        }
    }

    @Test
    void theTrainerMustHaveTheSchemesLoss() {
        try (TinyTraining training = new TinyTraining(linear(), new Nat(), 0.1f)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> AdversarialTraining.builder(training.trainer, new Nat())
                            .build())
                    .withMessageContaining("DefaultTrainingConfig(scheme.getLoss())");
        }
    }

    @Test
    void oneDeviceAtATime() {
        Nat nat = new Nat();
        try (TinyTraining training = new TinyTraining(linear(), nat, 0.1f);
                Trainer two = training.model.newTrainer(new DefaultTrainingConfig(nat.getLoss())
                        .optDevices(new Device[] {Device.gpu(0), Device.gpu(1)}))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> AdversarialTraining.builder(two, nat).build())
                    .withMessageContaining("has 2 devices");
        }
    }

    @Test
    void stopEndsTrainingAfterTheStepThatRuns() throws Exception {
        try (TinyTraining training = new TinyTraining(linear(), new Nat(), 0.1f)) {
            ArrayDataset data = dataset(training);
            training.onBatch = step -> {
                if (training.loop.getStep() == 6) {
                    training.loop.stop();
                }
            };

            assertThat(training.loop.isStopped()).isFalse();
            training.loop.fit(10, data, null);

            // 4 images one by one: one whole epoch and two steps.
            assertThat(training.loop.getStep()).isEqualTo(6);
            assertThat(training.epochs).isEqualTo(1);
            assertThat(training.loop.isStopped()).isTrue();
        }
    }

    @Test
    void fitMakesEveryEpoch() throws Exception {
        try (TinyTraining training = new TinyTraining(linear(), new Nat(), 0.1f)) {
            training.loop.fit(3, dataset(training), null);

            assertThat(training.loop.getStep()).isEqualTo(12);
            assertThat(training.epochs).isEqualTo(3);
            assertThat(training.validationLosses).isEmpty();
        }
    }

    @Test
    void validationPredictsAsAStepDoesAndChangesNothing() throws Exception {
        // Learning rate 0 and no random start: what is validated is what was trained.
        TrainingScheme scheme = new Sat(
                Pgd.builder(ThreatModel.linf(8 / 255f))
                        .optSteps(2)
                        .optRandomStart(false)
                        .build(),
                new RegionLosses(true, 0.5f, 1));
        try (TinyTraining training = new TinyTraining(TinyNetworks.reMoEVit(), scheme, 0)) {
            Map<String, double[]> before = training.parameters();

            training.loop.fit(2, dataset(training), dataset(training));

            assertThat(training.loop.getStep()).isEqualTo(8);
            assertThat(training.validationLosses).hasSize(8);
            assertThat(training.validationLosses)
                    .usingRecursiveComparison()
                    .withComparatorForType(new DoubleComparator(1e-5), Double.class)
                    .isEqualTo(training.losses);
            assertThat(training.parameters()).usingRecursiveComparison().isEqualTo(before);
        }
    }

    @Test
    void aTrainerOnAnotherDeviceThanItsModelIsRefused() {
        Nat nat = new Nat();
        try (Model model = Model.newInstance("test", Device.cpu())) {
            model.setBlock(linear());
            try (Trainer trainer = model.newTrainer(new DefaultTrainingConfig(nat.getLoss())
                    .optDevices(new Device[] {Device.gpu()}))) {
                assertThatIllegalArgumentException()
                        .isThrownBy(
                                () -> AdversarialTraining.builder(trainer, nat).build())
                        .withMessageContaining("The model is on cpu(), but the trainer on gpu(0)");
            }
        }
    }

    private static ArrayDataset dataset(TinyTraining training) {
        Batch batch = training.batch(0, 3, 1, 4);
        return new ArrayDataset.Builder()
                .setData(batch.getData().head())
                .optLabels(batch.getLabels().head())
                .setSampling(1, false)
                .build();
    }

    @Test
    void listenersSeeTheOutputsForCleanThenAdversarialImages() {
        List<Integer> sizes = new ArrayList<>();
        try (TinyTraining training =
                new TinyTraining(TinyNetworks.reMoEVit(), regionLosses(), 0.1f)) {
            training.onBatch = data -> data.getPredictions()
                    .values()
                    .forEach(list -> list.forEach(
                            array -> sizes.add((int) array.getShape().get(1))));

            training.steps(1);
        }

        // 5 classes and 4 regions, twice.
        assertThat(sizes).containsExactly(5, 4, 5, 4);
    }

    @Test
    void stepsLeaveNothingOpen() {
        try (TinyTraining training =
                new TinyTraining(TinyNetworks.reMoEVit(), regionLosses(), 0.05f)) {
            training.steps(2);
            int held = training.trainer.getManager().getManagedArrays().size();
            int heldByModel = training.model.getNDManager().getManagedArrays().size();

            training.steps(10);

            assertThat(training.trainer.getManager().getManagedArrays()).hasSize(held);
            assertThat(training.model.getNDManager().getManagedArrays()).hasSize(heldByModel);
        }
    }
}
