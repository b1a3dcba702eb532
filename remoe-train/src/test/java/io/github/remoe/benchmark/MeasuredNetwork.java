package io.github.remoe.benchmark;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.tracker.Tracker;
import ai.djl.translate.Batchifier;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.loss.RegionLosses;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.train.AdversarialTraining;
import io.github.remoe.train.Sat;
import io.github.remoe.train.TorchSgd;
import io.github.remoe.vit.VisionTransformer;

import java.util.stream.LongStream;

/**
 * A network with random weights on the processor, in adversarial training as {@code train} has it:
 * PGD, both region losses if there are ReMoE blocks, clipping, SGD.
 */
final class MeasuredNetwork implements AutoCloseable {

    static final ThreatModel THREAT = ThreatModel.linf(8 / 255f);
    static final float STEP_SIZE = 2 / 255f;

    // So small that the network stays what it is over many steps.
    private static final float LEARNING_RATE = 1e-4f;

    private final VisionTransformer vit;
    private final Model model;
    private final Predictor<NDList, NDList> predictor;
    private final Trainer trainer;
    private final AdversarialTraining loop;
    private final TargetModel target;
    private final Attack attackStep = Pgd.builder(THREAT)
            .optStepSize(STEP_SIZE)
            .optSteps(1)
            .optLastPoint(true)
            .build();

    /**
     * Sets a network up.
     *
     * @param vit the network, not yet initialised
     * @param attackSteps the steps of the attack in a training step
     */
    MeasuredNetwork(VisionTransformer vit, int attackSteps) {
        this.vit = vit;
        model = Model.newInstance("benchmark", Device.cpu());
        model.setBlock(vit);
        boolean remoe = vit.getBlocks().stream()
                .anyMatch(block -> block.getFeedForward() instanceof ReMoEBlock);
        Sat scheme = new Sat(
                Sat.attack(THREAT, STEP_SIZE, attackSteps),
                remoe ? new RegionLosses(true, 0.5f, 1) : RegionLosses.NONE);
        trainer = model.newTrainer(new DefaultTrainingConfig(scheme.getLoss())
                .optDevices(new Device[] {Device.cpu()})
                .optOptimizer(TorchSgd.builder()
                        .setLearningRateTracker(Tracker.fixed(LEARNING_RATE))
                        .optMomentum(0.9f)
                        .optWeightDecays(1e-4f)
                        .build()));
        trainer.initialize(vit.inputShape(1));
        loop = AdversarialTraining.builder(trainer, scheme).optClipNorm(1).build();
        target = new TargetModel(model);
        predictor = model.newPredictor(new NoopTranslator());
    }

    VisionTransformer vit() {
        return vit;
    }

    NDManager manager() {
        return model.getNDManager();
    }

    TargetModel target() {
        return target;
    }

    /** Random images with random labels. */
    Batch batch(int size) {
        NDManager manager = manager().newSubManager();
        return new Batch(
                manager,
                new NDList(manager.randomUniform(0, 1, vit.inputShape(size))),
                new NDList(manager.randomInteger(
                        0, vit.getNumClasses(), new Shape(size), DataType.INT64)),
                size,
                Batchifier.STACK,
                Batchifier.STACK,
                0,
                1,
                LongStream.range(0, size).boxed().toList());
    }

    void run(Work work, Batch batch) throws TranslateException {
        NDArray images = batch.getData().head();
        switch (work) {
            case INFERENCE -> {
                try (NDList outputs = predictor.predict(new NDList(images))) {
                    outputs.head().toFloatArray();
                }
            }
            case PGD_STEP ->
                attackStep
                        .perturb(
                                target, images, batch.getLabels().head(), new long[batch.getSize()])
                        .close();
            case SAT_STEP -> loop.trainBatch(batch);
        }
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        predictor.close();
        target.close();
        loop.close();
        trainer.close();
        model.close();
    }
}
