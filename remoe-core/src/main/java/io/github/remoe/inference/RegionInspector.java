package io.github.remoe.inference;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

import io.github.remoe.moe.AeaGate;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.moe.RegionGrid;
import io.github.remoe.vit.VisionTransformer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A network that also tells what its ReMoE layers look at; it has the parameters of the network that
 * it is made of, and the same logits and region weights.
 *
 * <pre>{@code
 * RegionInspector inspector = new RegionInspector(vit);
 * NDList outputs = inspector.forward(new ParameterStore(manager, false), new NDList(images), false);
 * for (RegionRouting layer : inspector.read(outputs).get(0)) {
 *     System.out.println(layer.weights() + " " + layer.routed() + " " + layer.saliency());
 * }
 * }</pre>
 *
 * <p>Input: images (B,3,h,w). Output: logits (B,C), followed, for each ReMoE layer, by the region
 * weights W (B,K) and the saliency of the patches (B,N). A network without ReMoE layers gives its
 * logits alone.
 */
public final class RegionInspector extends AbstractBlock {

    private static final byte VERSION = 1;
    private static final PairList<String, Object> WITH_SALIENCY =
            new PairList<>(Map.of(ReMoEBlock.SALIENCY, Boolean.TRUE));

    private final VisionTransformer network;
    private final Map<Integer, ReMoEBlock> layers = new TreeMap<>();

    /**
     * Creates the network that tells more.
     *
     * @param network the network, whose parameters are shared
     */
    public RegionInspector(VisionTransformer network) {
        super(VERSION);
        this.network = addChildBlock("network", network);
        for (int layer = 1; layer <= network.getBlocks().size(); layer++) {
            if (network.getBlocks().get(layer - 1).getFeedForward() instanceof ReMoEBlock block) {
                layers.put(layer, block);
            }
        }
    }

    /** {@inheritDoc} */
    @Override
    protected NDList forwardInternal(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        return network.forward(parameterStore, inputs, training, WITH_SALIENCY);
    }

    /**
     * Reads what the ReMoE layers did with each image.
     *
     * @param outputs this block's outputs for B images
     * @return for each image, one routing for each ReMoE layer, from the first to the last
     * @throws IllegalArgumentException if the outputs are not this block's
     */
    public List<List<RegionRouting>> read(NDList outputs) {
        if (outputs.size() != 1 + 2 * layers.size()) {
            throw new IllegalArgumentException(String.format(
                    "The network has %d ReMoE layers, so there are %d arrays to read; got %d. Give"
                            + " the outputs of the inspector, not those of the network itself.",
                    layers.size(), 1 + 2 * layers.size(), outputs.size()));
        }
        int batch = Math.toIntExact(outputs.head().getShape().get(0));
        List<List<RegionRouting>> images = new ArrayList<>();
        for (int image = 0; image < batch; image++) {
            images.add(new ArrayList<>());
        }
        int next = 1;
        for (Map.Entry<Integer, ReMoEBlock> entry : layers.entrySet()) {
            NDArray weights = outputs.get(next++);
            NDArray saliency = outputs.get(next++);
            read(entry.getKey(), entry.getValue(), weights, saliency, images);
        }
        return images;
    }

    private static void read(
            int layer,
            ReMoEBlock block,
            NDArray weights,
            NDArray saliency,
            List<List<RegionRouting>> images) {
        RegionGrid grid = block.getGrid();
        float[] dense = weights.toFloatArray();
        float[] routed = new float[dense.length];
        if (block.getRegionalExperts() != null) {
            try (NDScope scope = new NDScope()) {
                scope.suppressNotUsedWarning();
                routed = block.route(weights).toFloatArray();
            }
        }
        float[] patches = saliency.toFloatArray();
        for (int image = 0; image < images.size(); image++) {
            images.get(image)
                    .add(new RegionRouting(
                            new RegionWeights(
                                    layer,
                                    grid.rows(),
                                    grid.columns(),
                                    row(dense, image, grid.size())),
                            row(routed, image, grid.size()),
                            row(patches, image, grid.patches()),
                            block.getGate() instanceof AeaGate,
                            grid,
                            block.getCenterExpert() == null ? null : grid.center()));
        }
    }

    private static List<Float> row(float[] values, int row, int length) {
        List<Float> list = new ArrayList<>();
        for (int i = row * length; i < (row + 1) * length; i++) {
            list.add(values[i]);
        }
        return list;
    }

    /** {@inheritDoc} */
    @Override
    protected void initializeChildBlocks(
            NDManager manager, DataType dataType, Shape... inputShapes) {
        network.initialize(manager, dataType, inputShapes);
    }

    /** {@inheritDoc} */
    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        List<Shape> shapes = new ArrayList<>();
        Shape[] plain = network.getOutputShapes(inputShapes);
        shapes.add(plain[0]);
        int next = 1;
        for (ReMoEBlock block : layers.values()) {
            shapes.add(plain[next++]);
            shapes.add(new Shape(inputShapes[0].get(0), block.getGrid().patches()));
        }
        return shapes.toArray(new Shape[0]);
    }
}
