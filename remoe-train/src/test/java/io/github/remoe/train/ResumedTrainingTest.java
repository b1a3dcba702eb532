package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;

import io.github.remoe.Golden;
import io.github.remoe.ReMoE;
import io.github.remoe.attack.TinyNetworks;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.ParameterChecksum;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/** A DJL trainer with drop path, optimizer and average, stopped and gone on with. */
class ResumedTrainingTest {

    private static final int STEPS = 6;

    private static VisionTransformer network() {
        VisionTransformer vit = VisionTransformer.builder()
                .optImageSize(8)
                .optPatchSize(2)
                .optEmbedDim(12)
                .optDepth(2)
                .optNumClasses(5)
                .optDropPathRate(0.3f)
                .build();
        ReMoE.builder().optLayers(2).build().insertInto(vit);
        TinyNetworks.startByName(vit);
        return vit;
    }

    private static final class Run implements AutoCloseable {

        final VisionTransformer vit = network();
        final Model model = Model.newInstance("resumed");
        final StatefulOptimizer optimizer;
        final Trainer trainer;
        final WeightAverage average;

        /** Starts anew, or from saved parameters. */
        Run(boolean adamW, byte[] parameters) throws Exception {
            WarmUpCosine rates = new WarmUpCosine(0.05f, 2, STEPS, 0);
            optimizer = adamW
                    ? TorchAdamW.builder()
                            .setLearningRateTracker(rates)
                            .optWeightDecays(0.1f)
                            .optDecayWeightsOnly(vit)
                            .build()
                    : TorchSgd.builder()
                            .setLearningRateTracker(rates)
                            .optMomentum(0.9f)
                            .optWeightDecays(0.1f)
                            .build();
            model.setBlock(vit);
            trainer = model.newTrainer(new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                    .optOptimizer(optimizer));
            if (parameters != null) {
                vit.loadParameters(
                        model.getNDManager(),
                        new DataInputStream(new ByteArrayInputStream(parameters)));
            }
            // From here on, the trainer holds the parameters' arrays, which loading replaces.
            trainer.initialize(vit.inputShape(4));
            average = WeightAverage.exponential(vit, 0.9f, true);
        }

        void step(int number) {
            Engine.getInstance().setRandomSeed(number);
            try (NDManager step = trainer.getManager().newSubManager()) {
                NDArray images = Golden.initializer("images " + number, 0, 1)
                        .initialize(step, new Shape(4, 3, 8, 8), DataType.FLOAT32);
                NDArray labels = step.create(new long[] {0, 3, 1, 4});
                try (GradientCollector collector = trainer.newGradientCollector()) {
                    NDArray logits = trainer.forward(new NDList(images)).head();
                    collector.backward(
                            trainer.getLoss().evaluate(new NDList(labels), new NDList(logits)));
                }
                trainer.step();
                average.update();
            }
        }

        String checksum() {
            return ParameterChecksum.of(vit);
        }

        String averageChecksum() {
            try (WeightAverage.Swap swap = average.swap()) {
                return checksum();
            }
        }

        @Override
        public void close() {
            average.close();
            trainer.close();
            model.close();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void endsWithTheSameParametersAndAverage(boolean adamW) throws Exception {
        try (Run whole = new Run(adamW, null);
                NDManager files = NDManager.newBaseManager()) {
            for (int step = 0; step < STEPS / 2; step++) {
                whole.step(step);
            }
            byte[] parameters = save(whole.vit);
            NDList optimizer = whole.optimizer.getState(whole.vit, files);
            NDList average = whole.average.getState(files);
            for (int step = STEPS / 2; step < STEPS; step++) {
                whole.step(step);
            }

            try (Run resumed = new Run(adamW, parameters)) {
                resumed.optimizer.load(resumed.vit, optimizer, resumed.trainer.getDevices());
                resumed.average.load(average);
                for (int step = STEPS / 2; step < STEPS; step++) {
                    resumed.step(step);
                }

                assertThat(resumed.optimizer.getUpdates()).isEqualTo(STEPS);
                assertThat(resumed.checksum()).isEqualTo(whole.checksum());
                assertThat(resumed.averageChecksum())
                        .isEqualTo(whole.averageChecksum())
                        .isNotEqualTo(whole.checksum());
            }
        }
    }

    private static byte[] save(VisionTransformer vit) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        vit.saveParameters(new DataOutputStream(bytes));
        return bytes.toByteArray();
    }
}
