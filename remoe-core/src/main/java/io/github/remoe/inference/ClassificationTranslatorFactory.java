package io.github.remoe.inference;

import ai.djl.Model;
import ai.djl.modality.Classifications;
import ai.djl.modality.Input;
import ai.djl.modality.Output;
import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.translator.BaseImageTranslatorFactory;
import ai.djl.modality.cv.translator.ImageServingTranslator;
import ai.djl.ndarray.BytesSupplier;
import ai.djl.ndarray.NDList;
import ai.djl.translate.ArgumentsUtil;
import ai.djl.translate.PostProcessor;
import ai.djl.translate.PreProcessor;
import ai.djl.translate.TranslateException;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;
import ai.djl.util.Pair;

import io.github.remoe.image.RgbImage;

import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/**
 * Makes {@link ClassificationTranslator}s for DJL, which finds this class by its name in the {@code
 * serving.properties} of a {@link ModelFolder}.
 *
 * <p>From an {@link Image}, a {@link Path}, an {@link InputStream} and whatever else DJL makes an
 * image of, to {@link Classifications} or {@link RegionClassifications}; and from {@link Input} to
 * {@link Output} for DJL Serving. Arguments, of a {@code Criteria} or as lines of {@code
 * serving.properties}:
 *
 * <table>
 * <caption>Arguments</caption>
 * <tr><td>{@code topK}</td><td>how many classes are printed and sent; 5</td></tr>
 * <tr><td>{@code applySoftmax}</td><td>false for logits instead of probabilities; true</td></tr>
 * <tr><td>{@code cropRatio}</td><td>how much of the shorter side is kept; 1</td></tr>
 * <tr><td>{@code regionWeights}</td><td>true to send the region weights as well; false</td></tr>
 * </table>
 */
public final class ClassificationTranslatorFactory
        extends BaseImageTranslatorFactory<Classifications> implements Serializable {

    private static final long serialVersionUID = 1L;

    /** {@inheritDoc} */
    @Override
    public <I, O> Translator<I, O> newInstance(
            Class<I> input, Class<O> output, Model model, Map<String, ?> arguments) {
        if (input == Input.class
                && output == Output.class
                && ArgumentsUtil.booleanValue(arguments, "regionWeights")) {
            @SuppressWarnings("unchecked")
            Translator<I, O> serving =
                    (Translator<I, O>) new Serving(buildBaseTranslator(model, arguments), true);
            return serving;
        }
        return super.newInstance(input, output, model, arguments);
    }

    /** {@inheritDoc} */
    @Override
    protected ClassificationTranslator buildBaseTranslator(Model model, Map<String, ?> arguments) {
        try {
            return ClassificationTranslator.builder(model)
                    .optTopK(ArgumentsUtil.intValue(arguments, "topK", 5))
                    .optApplySoftmax(ArgumentsUtil.booleanValue(arguments, "applySoftmax", true))
                    // No float: 0.8 of 224 pixels must be 280, not 279.
                    .optCropRatio(Double.parseDouble(
                            ArgumentsUtil.stringValue(arguments, "cropRatio", "1")))
                    .build();
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
    }

    /** {@inheritDoc} */
    @Override
    protected Map<Type, Function<PreProcessor<Image>, PreProcessor<?>>>
            getPreprocessorExpansions() {
        Map<Type, Function<PreProcessor<Image>, PreProcessor<?>>> expansions =
                new HashMap<>(super.getPreprocessorExpansions());
        // DJL would decode these with ImageIO, which applies colour profiles.
        expansions.put(Path.class, translator -> files((ClassificationTranslator) translator));
        expansions.put(
                InputStream.class, translator -> streams((ClassificationTranslator) translator));
        return expansions;
    }

    private static PreProcessor<Path> files(ClassificationTranslator translator) {
        return (ctx, file) -> translator.processInput(ctx.getNDManager(), RgbImage.read(file));
    }

    private static PreProcessor<InputStream> streams(ClassificationTranslator translator) {
        return (ctx, stream) ->
                translator.processInput(ctx.getNDManager(), RgbImage.decode(stream.readAllBytes()));
    }

    /** {@inheritDoc} */
    @Override
    protected Map<Type, Function<PostProcessor<Classifications>, PostProcessor<?>>>
            getPostprocessorExpansions() {
        return Map.of(
                RegionClassifications.class,
                translator -> regions((ClassificationTranslator) translator));
    }

    private static PostProcessor<RegionClassifications> regions(
            ClassificationTranslator translator) {
        return (ctx, list) -> translator.processRegions(list);
    }

    /** {@inheritDoc} */
    @Override
    protected Map<Pair<Type, Type>, TranslatorExpansion<Image, Classifications>> getExpansions() {
        return Map.of(
                new Pair<>(Input.class, Output.class),
                translator -> new Serving((ClassificationTranslator) translator, false));
    }

    /** {@inheritDoc} */
    @Override
    public Class<Classifications> getBaseOutputType() {
        return Classifications.class;
    }

    /** Bytes of a JPEG or PNG file, or an {@code image_url} in JSON, in; JSON out. */
    private static final class Serving extends ImageServingTranslator {

        private final ClassificationTranslator images;

        Serving(ClassificationTranslator images, boolean regionWeights) {
            super(regionWeights ? images.withRegionWeights() : images);
            this.images = images;
        }

        @Override
        public NDList processInput(TranslatorContext ctx, Input input) throws Exception {
            BytesSupplier data = input.getData();
            String contentType = input.getProperty("Content-Type", "");
            if (data == null
                    || contentType.toLowerCase(Locale.ROOT).startsWith("application/json")) {
                return super.processInput(ctx, input);
            }
            try {
                return images.processInput(ctx.getNDManager(), RgbImage.decode(data.getAsBytes()));
            } catch (IOException e) {
                throw new TranslateException("The input is no image: " + e.getMessage(), e);
            }
        }
    }
}
