package io.github.remoe.examples;

import ai.djl.MalformedModelException;
import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelNotFoundException;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.TranslateException;

import io.github.remoe.attack.ThreatModel;
import io.github.remoe.evaluate.RobustPredictor;
import io.github.remoe.evaluate.RobustReport;
import io.github.remoe.inference.RegionClassifications;
import io.github.remoe.inference.RegionWeights;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;

/** An image classified by a trained network: plainly, with its region weights, and under attack. */
public final class ClassifyImage {

    private ClassifyImage() {}

    /**
     * Prints what a network says of an image.
     *
     * @param args a run folder, and a JPEG or PNG file
     * @throws IOException if one of the two is missing or damaged
     * @throws ModelNotFoundException if the folder holds no model
     * @throws MalformedModelException if the model is damaged
     * @throws TranslateException if the image cannot be used
     */
    public static void main(String[] args)
            throws IOException, ModelNotFoundException, MalformedModelException,
                    TranslateException {
        if (args.length != 2) {
            System.err.println("Give a run folder and a JPEG or PNG file.");
            return;
        }
        print(Path.of(args[0]), Path.of(args[1]), System.out);
    }

    static void print(Path folder, Path file, PrintStream out)
            throws IOException, ModelNotFoundException, MalformedModelException,
                    TranslateException {
        Image photo = ImageFactory.getInstance().fromFile(file);
        classify(folder, photo, out);
        weighRegions(folder, photo, out);
        attack(folder, photo, out);
    }

    private static void classify(Path folder, Image photo, PrintStream out)
            throws IOException, ModelNotFoundException, MalformedModelException,
                    TranslateException {
        Criteria<Image, Classifications> criteria = Criteria.builder()
                .setTypes(Image.class, Classifications.class)
                .optModelPath(folder)
                .build();
        try (ZooModel<Image, Classifications> model = criteria.loadModel();
                Predictor<Image, Classifications> predictor = model.newPredictor()) {
            out.println(predictor.predict(photo));
        }
    }

    private static void weighRegions(Path folder, Image photo, PrintStream out)
            throws IOException, ModelNotFoundException, MalformedModelException,
                    TranslateException {
        Criteria<Image, RegionClassifications> criteria = Criteria.builder()
                .setTypes(Image.class, RegionClassifications.class)
                .optModelPath(folder)
                .build();
        try (ZooModel<Image, RegionClassifications> model = criteria.loadModel();
                Predictor<Image, RegionClassifications> predictor = model.newPredictor()) {
            for (RegionWeights layer : predictor.predict(photo).getRegionWeights()) {
                out.println("layer " + layer.layer() + ": " + layer.weights());
            }
        }
    }

    private static void attack(Path folder, Image photo, PrintStream out)
            throws IOException, ModelNotFoundException, MalformedModelException,
                    TranslateException {
        Criteria<Image, Classifications> criteria = Criteria.builder()
                .setTypes(Image.class, Classifications.class)
                .optModelPath(folder)
                .build();
        try (ZooModel<Image, Classifications> model = criteria.loadModel();
                RobustPredictor predictor = RobustPredictor.builder(
                                model, ThreatModel.linf(8 / 255f))
                        .build()) {
            RobustReport report = predictor.predict(photo);
            for (RobustReport.Attacked attacked : report.attacks()) {
                out.printf(
                        "%s under %s: %s, at a distance of %.4f, region weights turned by %s"
                                + " degrees%n",
                        report.labelName(),
                        attacked.attack(),
                        attacked.classifications().best().getClassName(),
                        attacked.norm(),
                        attacked.angles());
            }
        }
    }
}
