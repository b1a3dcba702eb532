package io.github.remoe.attack;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.vit.EncoderBlock;
import io.github.remoe.vit.VisionTransformer;

import java.util.Map;
import java.util.stream.Stream;

/**
 * A ReMoE network with all its regional experts switched on, whatever its top-k; it has the
 * parameters of the network that it is made of.
 *
 * <p>Top-k routing hides the experts that are switched off from an attack: they have no gradient
 * until an image has been rerouted to them, although a small step may do that. An adaptive attack
 * takes its gradients through the dense gate, and its verdicts from the network as it is:
 *
 * <pre>{@code
 * try (TargetModel model = new TargetModel(vit, manager);
 *         TargetModel adaptive = model.withGradientsOf(new DenseGate(vit))) {
 *     NDArray adversarial = pgd.perturb(adaptive, images, labels, seed);
 * }
 * }</pre>
 *
 * <p>The gradient is one of another function, so it may be the worse one: an evaluation runs the
 * attack on the network itself as well.
 */
public final class DenseGate extends AbstractBlock {

    /** What the checksum of a model ends with in results whose attacks went through the dense gate. */
    public static final String CHECKSUM_MARK = ", gradients through the dense gate";

    private static final byte VERSION = 1;
    private static final PairList<String, Object> DENSE =
            new PairList<>(Map.of(ReMoEBlock.DENSE, Boolean.TRUE));

    private final VisionTransformer network;

    /**
     * Creates the dense network.
     *
     * @param network the network, whose parameters are shared
     * @throws IllegalArgumentException if it has no ReMoE block, or has one elsewhere than in the
     *     feed-forward slot of a layer
     */
    public DenseGate(VisionTransformer network) {
        super(VERSION);
        long inSlots = network.getBlocks().stream()
                .map(EncoderBlock::getFeedForward)
                .filter(ReMoEBlock.class::isInstance)
                .count();
        long all = within(network).filter(ReMoEBlock.class::isInstance).count();
        if (inSlots == 0 || inSlots < all) {
            throw new IllegalArgumentException(String.format(
                    "The dense gate reaches ReMoE blocks in the feed-forward slots of the layers;"
                            + " this network has %d of them there and %d elsewhere.",
                    inSlots, all - inSlots));
        }
        this.network = addChildBlock("network", network);
    }

    private static Stream<Block> within(Block block) {
        return Stream.concat(
                Stream.of(block), block.getChildren().values().stream().flatMap(DenseGate::within));
    }

    /** {@inheritDoc} */
    @Override
    protected NDList forwardInternal(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        return network.forward(parameterStore, inputs, training, DENSE);
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
        return network.getOutputShapes(inputShapes);
    }
}
