package com.example;

import ai.djl.MalformedModelException;
import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelNotFoundException;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.TranslateException;

import java.io.IOException;
import java.nio.file.Path;

/** Says what is on a picture, by a trained network. */
public final class ClassifyImage {

    private ClassifyImage() {}

    /**
     * Prints the most likely classes.
     *
     * @param args the folder of a training run or of {@code ModelFolder.save}, and a JPEG or PNG file
     */
    public static void main(String[] args)
            throws IOException, ModelNotFoundException, MalformedModelException,
                    TranslateException {
        if (args.length != 2) {
            throw new IllegalArgumentException("Give a model folder and an image file.");
        }
        Criteria<Image, Classifications> criteria = Criteria.builder()
                .setTypes(Image.class, Classifications.class)
                .optModelPath(Path.of(args[0]))
                .build();
        try (ZooModel<Image, Classifications> model = criteria.loadModel();
                Predictor<Image, Classifications> predictor = model.newPredictor()) {
            Image photo = ImageFactory.getInstance().fromFile(Path.of(args[1]));
            System.out.println(predictor.predict(photo));
        }
    }
}
