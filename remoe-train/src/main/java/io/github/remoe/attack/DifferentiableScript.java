package io.github.remoe.attack;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.SymbolBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * A symbol block (a TorchScript network) in evaluation mode, with gradients.
 *
 * <p>DJL runs a script in evaluation mode without autograd, whose gradients it gives in training mode
 * only; a script that was loaded without the option {@code trainParam} has none at all. So this is a
 * copy: saved in evaluation mode, it stays in that mode, because DJL takes a newly loaded script to
 * be in training mode already. Its parameters are frozen, and the original's are never touched.
 */
final class DifferentiableScript extends AbstractBlock {

    private static final byte VERSION = 1;

    private final SymbolBlock original;
    private final NDManager manager;
    private SymbolBlock copy;

    private DifferentiableScript(SymbolBlock original, NDManager manager) {
        super(VERSION);
        this.original = original;
        this.manager = manager;
    }

    /**
     * Returns a network with gradients in the place of one that may hold scripts.
     *
     * @param block any network
     * @param manager the manager that the scripts' copies live in
     * @return the network itself if it holds no script, or else one of the same blocks
     * @throws IllegalArgumentException if a script is inside a block other than a SequentialBlock
     */
    static Block in(Block block, NDManager manager) {
        if (block instanceof SymbolBlock script) {
            return new DifferentiableScript(script, manager);
        }
        if (!holdsScript(block)) {
            return block;
        }
        if (block.getClass() != SequentialBlock.class
                || ((SequentialBlock) block).isReturnIntermediate()) {
            throw new IllegalArgumentException(String.format(
                    "The model holds a symbol block inside a %s, where it cannot be given gradients"
                            + " in evaluation mode. Put it into a plain SequentialBlock.",
                    block.getClass().getSimpleName()));
        }
        SequentialBlock sequence = new SequentialBlock();
        block.getChildren().forEach(child -> sequence.add(in(child.getValue(), manager)));
        return sequence;
    }

    private static boolean holdsScript(Block block) {
        return block instanceof SymbolBlock
                || block.getChildren().values().stream()
                        .anyMatch(DifferentiableScript::holdsScript);
    }

    /** {@inheritDoc} */
    @Override
    protected NDList forwardInternal(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        return copy(parameterStore, inputs).forward(parameterStore, inputs, true);
    }

    private synchronized SymbolBlock copy(ParameterStore parameterStore, NDList inputs) {
        if (copy == null) {
            // A script has no other way into evaluation mode than to be run in it.
            original.forward(parameterStore, inputs, false).close();
            SymbolBlock loaded = SymbolBlock.newInstance(manager);
            ByteArrayOutputStream saved = new ByteArrayOutputStream();
            try {
                original.saveParameters(new DataOutputStream(saved));
                loaded.loadParameters(
                        manager,
                        new DataInputStream(new ByteArrayInputStream(saved.toByteArray())));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (MalformedModelException e) {
                throw new IllegalStateException("The script just saved cannot be loaded.", e);
            }
            loaded.freezeParameters(true);
            // The parameters outlive the pass that first asks for them.
            NDScope.unregister(loaded.getParameters().values().stream()
                    .map(parameter -> parameter.getArray())
                    .toArray(NDArray[]::new));
            copy = loaded;
        }
        return copy;
    }

    /** {@inheritDoc} */
    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        return original.getOutputShapes(inputShapes);
    }
}
