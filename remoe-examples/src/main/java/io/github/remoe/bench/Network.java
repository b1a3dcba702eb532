package io.github.remoe.bench;

import io.github.remoe.ReMoE;
import io.github.remoe.vit.VisionTransformer;

import java.util.ArrayList;
import java.util.List;

/**
 * What a worker builds its network from, in words that both languages know.
 *
 * @param imageSize the height and width of the images in pixels
 * @param patchSize the height and width of a patch in pixels
 * @param embedDim the width of the tokens
 * @param depth the number of layers
 * @param numHeads the number of attention heads of a layer
 * @param numClasses the number of classes
 * @param mean what is subtracted from the pixels in [0,1], for each channel
 * @param std what they are divided by then
 * @param remoe the ReMoE blocks, null for a plain network
 */
record Network(
        int imageSize,
        int patchSize,
        int embedDim,
        int depth,
        int numHeads,
        int numClasses,
        List<Float> mean,
        List<Float> std,
        Regions remoe) {

    /**
     * ReMoE blocks with all experts and the default gate.
     *
     * @param layers the layers that have one, counted from 1
     * @param rows how many regions lie below each other
     * @param columns how many regions lie beside each other
     * @param topK how many of them stay switched on
     * @param bottleneckRatio the hidden width of centre and regional experts, as a fraction of
     *     {@code embedDim}
     */
    record Regions(List<Integer> layers, int rows, int columns, int topK, float bottleneckRatio) {}

    static Network of(VisionTransformer vit) {
        Regions regions = null;
        for (ReMoE remoe : ReMoE.of(vit)) {
            regions = new Regions(
                    remoe.layers(),
                    remoe.rows(),
                    remoe.columns(),
                    remoe.topK(),
                    remoe.bottleneckRatio());
        }
        return new Network(
                vit.getImageSize(),
                vit.getPatchSize(),
                vit.getEmbedDim(),
                vit.getBlocks().size(),
                vit.getNumHeads(),
                vit.getNumClasses(),
                list(vit.getMean()),
                list(vit.getStd()),
                regions);
    }

    /** Builds the network, which is not yet initialised. */
    VisionTransformer create() {
        VisionTransformer vit = VisionTransformer.builder()
                .optImageSize(imageSize)
                .optPatchSize(patchSize)
                .optEmbedDim(embedDim)
                .optDepth(depth)
                .optNumHeads(numHeads)
                .optNumClasses(numClasses)
                .optNormalization(array(mean), array(std))
                .build();
        if (remoe != null) {
            ReMoE.builder()
                    .optLayers(remoe.layers().toArray(new Integer[0]))
                    .optRegions(remoe.rows(), remoe.columns())
                    .optTopK(remoe.topK())
                    .optBottleneckRatio(remoe.bottleneckRatio())
                    .build()
                    .insertInto(vit);
        }
        return vit;
    }

    private static List<Float> list(float[] values) {
        List<Float> list = new ArrayList<>();
        for (float value : values) {
            list.add(value);
        }
        return list;
    }

    private static float[] array(List<Float> values) {
        float[] array = new float[values.size()];
        for (int i = 0; i < array.length; i++) {
            array[i] = values.get(i);
        }
        return array;
    }
}
