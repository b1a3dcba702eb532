package io.github.remoe.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.tracker.Tracker;

import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.SyntheticDataset;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.moe.RegionGrid;
import io.github.remoe.train.AdversarialTraining;
import io.github.remoe.train.Sat;
import io.github.remoe.train.TorchSgd;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.Test;

/** What docs/extending.md shows. */
class ExtendingTest {

    private static VisionTransformer vit() {
        return Presets.builder("vit_micro_patch4_32").optNumClasses(10).build();
    }

    @Test
    void theGateWeighsRegionsByTheirVariance() {
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            // One prefix token; then two regions of two patches: all alike, and 3 apart from 5.
            NDArray tokens = manager.create(new float[] {9, 2, 2, 3, 5}, new Shape(1, 5, 1));
            ContrastGate gate = new ContrastGate(new RegionGrid(2, 2, 2, 1), 1);
            NDArray weights = gate.forward(
                            new ParameterStore(manager, false), new NDList(tokens), false)
                    .singletonOrThrow();
            assertThat(weights.toFloatArray()).containsExactly(new float[] {0, 2}, within(1e-6f));
        }
    }

    @Test
    void networksWithThatGateAndWithThatExpertGiveLogitsAndWeights() {
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            VisionTransformer contrast = vit();
            ContrastGate.insertInto(contrast);
            for (VisionTransformer network :
                    new VisionTransformer[] {contrast, GatedFeedForward.network()}) {
                network.initialize(manager, DataType.FLOAT32, network.inputShape(2));
                NDArray images = manager.ones(network.inputShape(2));
                NDList outputs = network.forward(
                        new ParameterStore(manager, false), new NDList(images), false);
                assertThat(outputs.getShapes())
                        .containsExactly(new Shape(2, 10), new Shape(2, 4), new Shape(2, 4));
            }
            ReMoEBlock block =
                    (ReMoEBlock) GatedFeedForward.network().getBlocks().get(2).getFeedForward();
            assertThat(block.getGlobalExpert()).isInstanceOf(GatedFeedForward.class);
        }
    }

    @Test
    void theAttackKeepsToTheBallAndFindsWhatRandomSignsCan() {
        try (Model model = Model.newInstance("vit", Device.cpu())) {
            VisionTransformer network = vit();
            NDManager manager = model.getNDManager();
            network.initialize(manager, DataType.FLOAT32, network.inputShape(1));
            model.setBlock(network);
            try (TargetModel target = new TargetModel(model)) {
                NDArray images = manager.randomUniform(0, 1, new Shape(4, 3, 32, 32));
                NDArray labels = target.predict(images).head().argMax(1);
                labels.set(labels.neq(labels.get(0)), 0); // some right, perhaps some wrong
                ThreatModel threat = ThreatModel.linf(0.5f);
                long[] seeds = {1, 2, 3, 4};
                NDArray few = new RandomSigns(threat, 1).perturb(target, images, labels, seeds);
                NDArray many = new RandomSigns(threat, 5).perturb(target, images, labels, seeds);
                assertThat(threat.distance(many, images).max().getFloat())
                        .isLessThanOrEqualTo(0.5f + 1e-6f);
                assertThat(many.min().getFloat()).isGreaterThanOrEqualTo(0);
                assertThat(many.max().getFloat()).isLessThanOrEqualTo(1);
                boolean[] fewWrong = wrong(target, few, labels);
                boolean[] manyWrong = wrong(target, many, labels);
                boolean[] wrongBefore = wrong(target, images, labels);
                for (int i = 0; i < seeds.length; i++) {
                    assertThat(fewWrong[i] || !wrongBefore[i]).isTrue();
                    assertThat(manyWrong[i] || !fewWrong[i]).isTrue();
                }
                assertThat(new RandomSigns(threat, 5)
                                .perturb(target, images, labels, seeds)
                                .contentEquals(many))
                        .isTrue();
            }
        }
    }

    private static boolean[] wrong(TargetModel target, NDArray images, NDArray labels) {
        return target.predict(images).head().argMax(1).neq(labels).toBooleanArray();
    }

    @Test
    void theLossOfTheSchemeAddsTheDistanceOfTheLogits() {
        try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
            NDArray clean = manager.create(new float[] {1, 3}, new Shape(1, 2));
            NDArray adversarial = manager.create(new float[] {0, 0}, new Shape(1, 2));
            NDArray weights = manager.ones(new Shape(1, 4));
            NDList predictions = new NDList(clean, weights, adversarial, weights);
            NDList labels = new NDList(manager.create(new long[] {0}));
            float loss = new LogitPairing((model, images, classes, seeds) -> images, 0.5f)
                    .getLoss()
                    .evaluate(labels, predictions)
                    .getFloat();
            assertThat(loss).isCloseTo((float) Math.log(2) + 0.5f * 10, within(1e-5f));
        }
    }

    @Test
    void theSchemeTrains() throws Exception {
        LogitPairing scheme =
                new LogitPairing(Sat.attack(ThreatModel.linf(8 / 255f), 4 / 255f, 1), 0.5f);
        float[] losses = new float[3];
        try (Model model = Model.newInstance("vit", Device.cpu())) {
            VisionTransformer network = vit();
            model.setBlock(network);
            DefaultTrainingConfig config = new DefaultTrainingConfig(scheme.getLoss())
                    .optDevices(new Device[] {Device.cpu()})
                    .optOptimizer(TorchSgd.builder()
                            .setLearningRateTracker(Tracker.fixed(0.1f))
                            .build())
                    .addTrainingListeners(new TrainingListenerAdapter() {});
            try (Trainer trainer = model.newTrainer(config);
                    AdversarialTraining training = AdversarialTraining.builder(trainer, scheme)
                            .optClipNorm(1)
                            .build()) {
                trainer.initialize(network.inputShape(8));
                SyntheticDataset images = SyntheticDataset.builder()
                        .optSize(8)
                        .setSampling(8, false)
                        .build();
                for (int i = 0; i < losses.length; i++) {
                    training.fit(i + 1, images, null);
                    losses[i] =
                            trainer.getMetrics().latestMetric("loss").getValue().floatValue();
                }
            }
        }
        assertThat(losses[2]).isLessThan(losses[0]);
    }
}
