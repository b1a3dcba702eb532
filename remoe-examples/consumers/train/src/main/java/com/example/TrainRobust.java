package com.example;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDManager;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import ai.djl.translate.TranslateException;

import io.github.remoe.ReMoE;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.SyntheticDataset;
import io.github.remoe.evaluate.RobustEvaluator;
import io.github.remoe.evaluate.Verdicts;
import io.github.remoe.inference.ModelFolder;
import io.github.remoe.loss.RegionLosses;
import io.github.remoe.train.AdversarialTraining;
import io.github.remoe.train.Sat;
import io.github.remoe.train.TorchAdamW;
import io.github.remoe.train.TrainingScheme;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import java.io.IOException;
import java.nio.file.Path;

/** Trains a small vision transformer with ReMoE blocks adversarially, attacks it, and saves it. */
public final class TrainRobust {

    private TrainRobust() {}

    /**
     * Trains for two epochs and prints the accuracies; chance is 0.1.
     *
     * @param args where to save the network, "model" if not given, and how many images to train on, 2500
     *     if not given
     */
    public static void main(String[] args) throws IOException, TranslateException {
        Path folder = Path.of(args.length > 0 ? args[0] : "model");
        int images = args.length > 1 ? Integer.parseInt(args[1]) : 2500;
        SyntheticDataset trainingSet =
                SyntheticDataset.builder().optSize(images).setSampling(32, true).build();
        SyntheticDataset testSet = SyntheticDataset.builder()
                .optUsage(Dataset.Usage.TEST)
                .optSize(100)
                .setSampling(50, false)
                .build();
        try (Model model = train(trainingSet, 2)) {
            Verdicts verdicts = evaluate(model, testSet);
            System.out.printf(
                    "accuracy %.2f, under attack %.2f%n",
                    verdicts.clean().value(), verdicts.worstCase(0).value());
            ModelFolder.save(
                    folder, (VisionTransformer) model.getBlock(), trainingSet.getClasses());
        }
    }

    private static Model train(Dataset trainingSet, int epochs)
            throws IOException, TranslateException {
        Device device = Device.cpu(); // Device.gpu() with a CUDA build of PyTorch
        Optimizer optimizer = TorchAdamW.builder()
                .setLearningRateTracker(Tracker.fixed(1e-3f))
                .build();
        long seed = 1;

        VisionTransformer vit =
                Presets.builder("vit_micro_patch4_32").optNumClasses(10).build();
        ReMoE.builder().build().insertInto(vit); // layers 3 and 5 of 6; no logit changes

        TrainingScheme scheme = new Sat(
                Sat.attack(ThreatModel.linf(8 / 255f), 4 / 255f, 3),
                new RegionLosses(true, 0.5f, 1));
        DefaultTrainingConfig config = new DefaultTrainingConfig(scheme.getLoss())
                .optDevices(new Device[] {device})
                .optOptimizer(optimizer)
                .addTrainingListeners(TrainingListener.Defaults.logging());
        Model model = Model.newInstance("vit", device);
        model.setBlock(vit);
        try (Trainer trainer = model.newTrainer(config);
                AdversarialTraining training = AdversarialTraining.builder(trainer, scheme)
                        .optClipNorm(1)
                        .optSeed(seed)
                        .build()) {
            trainer.initialize(vit.inputShape(32));
            training.fit(epochs, trainingSet, null);
        }
        return model;
    }

    private static Verdicts evaluate(Model model, SyntheticDataset testSet) throws IOException {
        try (NDManager manager = model.getNDManager().newSubManager();
                TargetModel target = new TargetModel(model)) {
            return RobustEvaluator.builder(target, ThreatModel.linf(8 / 255f))
                    .addAttack(
                            "pgd-20", threat -> Pgd.builder(threat).optSteps(20).build())
                    .build()
                    .evaluate("synthetic", testSet, manager, 50);
        }
    }
}
