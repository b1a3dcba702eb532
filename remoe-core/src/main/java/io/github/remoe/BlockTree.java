package io.github.remoe;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.BlockList;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.util.Pair;

import io.github.remoe.vit.EncoderBlock;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.UnaryOperator;

/**
 * Replaces blocks inside a network whose code is not one's own.
 *
 * <p>A block is named by its path, the names of the children that lead to it: {@code
 * 03TransformerEncoderBlock/03outputBlock}. {@link #paths(Block)} lists them.
 *
 * <p>A block can be replaced where its host lets go of it:
 *
 * <ul>
 *   <li>as a child of a {@link SequentialBlock}, whose children are then named by number and class;
 *   <li>as the feed-forward network of an {@link EncoderBlock};
 *   <li>wherever else it is, if it is a {@link SequentialBlock} itself: then what is in it moves into a
 *       new one, that is replaced, and the old one holds the replacement. So it goes in DJL's {@link
 *       ai.djl.nn.transformer.TransformerEncoderBlock}, which keeps its feed-forward network, a {@link
 *       ai.djl.nn.transformer.PointwiseFeedForwardBlock} and thus sequential, in a field of its own.
 * </ul>
 */
public final class BlockTree {

    private BlockTree() {}

    /**
     * Lists the blocks of a network.
     *
     * @param network the network
     * @return their paths, each host before its children; the network itself is not among them
     */
    public static List<String> paths(Block network) {
        List<Place> places = new ArrayList<>();
        collect("", network, (path, block) -> true, true, places);
        return places.stream().map(Place::path).toList();
    }

    /**
     * Replaces all blocks that match. Those inside a block that matches are not looked at. A block that
     * is in the network several times, sharing its weights, is replaced by one that is, too.
     *
     * <p>Replace before a {@link ai.djl.training.Trainer} is made: one that exists does not know new
     * parameters. Weights are stored by their place in the network, so what was saved before is to be
     * loaded before, and what is saved afterwards is loaded into a network in which the same was
     * replaced.
     *
     * @param network the network
     * @param matcher what to replace, by path and block
     * @param replacement makes the new block from the present one, and usually of it; inputs and
     *     outputs must be alike. If the present block is initialised, the new one is initialised at
     *     once, beside its parameters
     * @return the paths of the blocks that were replaced, in the order of the network
     * @throws IllegalArgumentException if no block matches, or the host of one that does cannot let go
     *     of it; the network is then unchanged
     */
    public static List<String> replace(
            Block network, BiPredicate<String, Block> matcher, UnaryOperator<Block> replacement) {
        List<Place> places = new ArrayList<>();
        collect("", network, matcher, false, places);
        if (places.isEmpty()) {
            throw new IllegalArgumentException(
                    "No block matches. The network has " + paths(network) + ".");
        }
        places.forEach(Place::checkReplaceable);
        // What one of its hosts keeps cannot be inside its own replacement in another.
        Set<Block> shells = Collections.newSetFromMap(new IdentityHashMap<>());
        places.stream().filter(Place::heldFast).map(Place::block).forEach(shells::add);
        Map<Block, Block> replaced = new IdentityHashMap<>();
        for (Place place : places) {
            Block present = place.block();
            if (!replaced.containsKey(present)) {
                Block made =
                        replacement.apply(shells.contains(present) ? contents(present) : present);
                initialize(made, present, network);
                replaced.put(present, made);
            }
        }
        places.forEach(place -> place.put(replaced.get(place.block())));
        return places.stream().map(Place::path).toList();
    }

    private static void collect(
            String prefix,
            Block host,
            BiPredicate<String, Block> matcher,
            boolean insideMatches,
            List<Place> places) {
        BlockList children = host.getChildren();
        for (int i = 0; i < children.size(); i++) {
            Pair<String, Block> child = children.get(i);
            String path = prefix + child.getKey();
            boolean matches = matcher.test(path, child.getValue());
            if (matches) {
                places.add(Place.of(path, host, i, child.getValue()));
            }
            if (insideMatches || !matches) {
                collect(path + '/', child.getValue(), matcher, insideMatches, places);
            }
        }
    }

    /** The children of a sequential block in another. */
    private static SequentialBlock contents(Block block) {
        return new SequentialBlock()
                .addAll(block.getChildren().values())
                .setReturnIntermediate(((SequentialBlock) block).isReturnIntermediate());
    }

    private static void initialize(Block made, Block present, Block network) {
        if (!present.isInitialized() || made.isInitialized()) {
            return;
        }
        Shape[] shapes = present.getInputShapes();
        for (Block block : List.of(present, network)) {
            for (Parameter parameter : block.getParameters().values()) {
                NDArray array = parameter.getArray();
                made.initialize(array.getManager(), array.getDataType(), shapes);
                return;
            }
        }
    }

    /**
     * Where a block is.
     *
     * @param heldFast whether the host keeps the block, so that only what is in it can change
     */
    private record Place(String path, Block host, int index, Block block, boolean heldFast) {

        static Place of(String path, Block host, int index, Block block) {
            boolean feedForward =
                    host instanceof EncoderBlock encoder && encoder.getFeedForward() == block;
            return new Place(
                    path, host, index, block, !(host instanceof SequentialBlock) && !feedForward);
        }

        void checkReplaceable() {
            if (heldFast && !(block instanceof SequentialBlock)) {
                throw new IllegalArgumentException(String.format(
                        "%s cannot be replaced: it is in a %s, which does not let go of it, and is a %s,"
                                + " no SequentialBlock whose content could be replaced. Build the"
                                + " network with a SequentialBlock around it.",
                        path, host.getClass().getSimpleName(), block.getClass().getSimpleName()));
            }
        }

        /** May come again, where a host is in the network several times. */
        void put(Block replacement) {
            if (host instanceof SequentialBlock sequence) {
                // All behind the place has to be taken off and put on again, under the names that
                // a sequence gives.
                List<Block> behind = sequence.getChildren()
                        .values()
                        .subList(index + 1, sequence.getChildren().size());
                for (int i = 0; i <= behind.size(); i++) {
                    sequence.removeLastBlock();
                }
                sequence.add(replacement).addAll(behind);
            } else if (!heldFast) {
                ((EncoderBlock) host).replaceFeedForward(present -> replacement, false);
            } else {
                SequentialBlock shell = (SequentialBlock) block;
                while (!shell.getChildren().isEmpty()) {
                    shell.removeLastBlock();
                }
                shell.add(replacement).setReturnIntermediate(false);
            }
        }
    }
}
