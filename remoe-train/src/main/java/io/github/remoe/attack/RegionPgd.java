package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.loss.CrossEntropy;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.moe.Region;
import io.github.remoe.moe.RegionGrid;
import io.github.remoe.vit.EncoderBlock;
import io.github.remoe.vit.VisionTransformer;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * An adaptive attack against ReMoE: one run of projected gradient descent, as {@link Pgd} with a
 * random start, that spends its whole budget on a few regions of each image, those of the highest (or
 * lowest) clean region weight W. Nothing changes elsewhere.
 *
 * <p>The regions of the highest weight are those whose experts decide; those of the lowest weight are
 * the ones that a network trained with a region-adaptive loss may guard the least. What this attack
 * finds, {@link Pgd} with enough steps may find too; it tells where a network is vulnerable.
 *
 * <pre>{@code
 * Attack attack = RegionPgd.builder(ThreatModel.l2(0.5f), vit).optRegions(1).optSteps(20).build();
 * }</pre>
 *
 * @param threatModel what the attack may do to an image
 * @param loss what it maximises
 * @param stepSize the length of a step, in pixel values
 * @param steps the number of steps, at least 1
 * @param grid the regions
 * @param patchSize the height and width of a patch in pixels
 * @param regions how many regions of an image are attacked, 1 to K
 * @param highest whether they are those of the highest weight, not of the lowest
 * @param layer the ReMoE layer whose weights count, from 1; 0 for the mean of all
 */
public record RegionPgd(
        ThreatModel threatModel,
        AttackLoss loss,
        float stepSize,
        int steps,
        RegionGrid grid,
        int patchSize,
        int regions,
        boolean highest,
        int layer)
        implements Attack {

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public RegionPgd {
        GradientAscent.check(loss, null, stepSize, steps);
        if (patchSize < 1) {
            throw new IllegalArgumentException(
                    "The patch size is in pixels, at least 1, got " + patchSize + ".");
        }
        if (regions < 1 || regions > grid.size()) {
            throw new IllegalArgumentException(String.format(
                    "The attack takes 1 to %d regions of this grid, got %d.",
                    grid.size(), regions));
        }
        if (layer < 0) {
            throw new IllegalArgumentException(
                    "ReMoE layers are counted from 1, and 0 is the mean of all; got " + layer
                            + ".");
        }
    }

    /**
     * Creates a builder for a network, with the defaults of {@link #builder(ThreatModel, RegionGrid,
     * int)}.
     *
     * @param threatModel what the attack may do to an image
     * @param network a network with ReMoE blocks, which gives grid and patch size
     * @return a new builder
     * @throws IllegalArgumentException if the network has no ReMoE blocks, or they differ in their
     *     grids
     */
    public static Builder builder(ThreatModel threatModel, VisionTransformer network) {
        List<RegionGrid> grids = network.getBlocks().stream()
                .map(EncoderBlock::getFeedForward)
                .filter(ReMoEBlock.class::isInstance)
                .map(block -> ((ReMoEBlock) block).getGrid())
                .distinct()
                .toList();
        if (grids.size() != 1) {
            throw new IllegalArgumentException(String.format(
                    "The attack needs one grid of regions, the network has %d: %s. Insert ReMoE"
                            + " blocks, or give the grid of one of them, with its layer.",
                    grids.size(), grids));
        }
        return builder(threatModel, grids.get(0), network.getPatchSize());
    }

    /**
     * Creates a builder: 10 steps of a quarter of epsilon on cross-entropy, in one region, of the
     * highest weight by the mean of all ReMoE layers.
     *
     * @param threatModel what the attack may do to an image
     * @param grid the regions that the model's W weighs
     * @param patchSize the height and width of a patch in pixels
     * @return a new builder
     */
    public static Builder builder(ThreatModel threatModel, RegionGrid grid, int patchSize) {
        return new Builder(threatModel, grid, patchSize);
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException also if the model's region weights or the images do not fit
     *     the grid
     */
    @Override
    public NDArray perturb(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        threatModel.check(images, labels, seeds);
        NDArray result;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            result = search(model, images, labels, seeds);
            NDScope.unregister(result);
        }
        NDScope.register(result);
        return result;
    }

    private NDArray search(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        NDList clean = model.predict(images);
        NDArray chosen = chosen(images, regionWeights(clean));
        NDArray classes = CrossEntropy.classes(clean.head(), labels);
        Function<NDList, NDArray> objective = loss.prepare(model, images, classes, null);
        try (FoundAdversarials found = new FoundAdversarials(images, classes, null)) {
            found.offer(images, clean.head());
            NDArray point =
                    NDArrays.where(chosen, Noise.inBall(threatModel, images, seeds, 0), images);
            for (int step = 0; step < steps; step++) {
                NDArray next;
                try (NDScope scope = new NDScope()) {
                    scope.suppressNotUsedWarning();
                    TargetModel.LossGradient at = model.gradient(point, objective);
                    found.offer(point, at.logits());
                    NDArray gradient = at.gradient();
                    NDArray inside = NDArrays.where(chosen, gradient, gradient.zerosLike());
                    NDArray moved =
                            threatModel.steepestAscent(inside).muli(stepSize).addi(point);
                    next = threatModel.project(moved, images);
                    NDScope.unregister(next);
                }
                NDScope.register(next);
                point.close();
                point = next;
            }
            NDList last = model.predict(point);
            found.offerLast(point, last.head(), objective.apply(last));
            return found.points();
        }
    }

    private NDArray regionWeights(NDList outputs) {
        NDList layers = outputs.subNDList(1);
        if (layers.isEmpty() || layer > layers.size()) {
            throw new IllegalArgumentException(String.format(
                    "The attack chooses regions by the weights of %s, but the model gives those of"
                            + " %d ReMoE layers. Insert ReMoE blocks (not built with tokensOnly), or"
                            + " choose one of its layers.",
                    layer == 0 ? "all ReMoE layers" : "ReMoE layer " + layer, layers.size()));
        }
        NDList counted = layer == 0 ? layers : new NDList(layers.get(layer - 1));
        for (NDArray weights : counted) {
            if (weights.getShape().get(1) != grid.size()) {
                throw new IllegalArgumentException(String.format(
                        "The model weighs %d regions, the attack's grid has %d. Give the attack the"
                                + " grid of the model.",
                        weights.getShape().get(1), grid.size()));
            }
        }
        return NDArrays.stack(counted).mean(new int[] {0});
    }

    /** Which pixel values of each image lie in its chosen regions (B,C,h,w). */
    private NDArray chosen(NDArray images, NDArray regionWeights) {
        Shape shape = images.getShape();
        int height = grid.patchRows() * patchSize;
        int width = grid.patchColumns() * patchSize;
        if (shape.get(2) != height || shape.get(3) != width) {
            throw new IllegalArgumentException(String.format(
                    "%d x %d patches of %d pixels make images of %d x %d, got %s.",
                    grid.patchRows(), grid.patchColumns(), patchSize, height, width, shape));
        }
        float[] weights = regionWeights.toType(DataType.FLOAT32, false).toFloatArray();
        int batch = weights.length / grid.size();
        boolean[] pixels = new boolean[batch * height * width];
        for (int i = 0; i < batch; i++) {
            int image = i;
            Comparator<Integer> byWeight =
                    Comparator.comparing(region -> weights[image * grid.size() + region]);
            IntStream.range(0, grid.size())
                    .boxed()
                    .sorted(highest ? byWeight.reversed() : byWeight)
                    .limit(regions)
                    .forEach(region -> mark(pixels, image, grid.regions().get(region)));
        }
        return images.getManager()
                .create(pixels, new Shape(batch, 1, height, width))
                .broadcast(shape);
    }

    private void mark(boolean[] pixels, int image, Region region) {
        int height = grid.patchRows() * patchSize;
        int width = grid.patchColumns() * patchSize;
        for (int y = region.top() * patchSize;
                y < (region.top() + region.height()) * patchSize;
                y++) {
            int start = (image * height + y) * width + region.left() * patchSize;
            Arrays.fill(pixels, start, start + region.width() * patchSize, true);
        }
    }

    /** The Builder to construct a {@link RegionPgd}. */
    public static final class Builder {

        private final ThreatModel threatModel;
        private final RegionGrid grid;
        private final int patchSize;
        private AttackLoss loss = LogitLoss.CROSS_ENTROPY;
        private float stepSize;
        private int steps = 10;
        private int regions = 1;
        private boolean highest = true;
        private int layer;

        private Builder(ThreatModel threatModel, RegionGrid grid, int patchSize) {
            this.threatModel = threatModel;
            this.grid = grid;
            this.patchSize = patchSize;
            stepSize = threatModel.epsilon() / 4;
        }

        /**
         * Sets what the attack maximises; default cross-entropy.
         *
         * @param loss the loss
         * @return this builder
         */
        public Builder optLoss(AttackLoss loss) {
            this.loss = loss;
            return this;
        }

        /**
         * Sets the length of a step; default epsilon / 4.
         *
         * @param stepSize in pixel values
         * @return this builder
         */
        public Builder optStepSize(float stepSize) {
            this.stepSize = stepSize;
            return this;
        }

        /**
         * Sets the number of steps; default 10.
         *
         * @param steps at least 1
         * @return this builder
         */
        public Builder optSteps(int steps) {
            this.steps = steps;
            return this;
        }

        /**
         * Sets how many regions of an image are attacked; default 1.
         *
         * @param regions 1 to K; of regions of one weight the first are taken
         * @return this builder
         */
        public Builder optRegions(int regions) {
            this.regions = regions;
            return this;
        }

        /**
         * Sets whether the regions of the highest weight are attacked; default true.
         *
         * @param highest false for those of the lowest weight
         * @return this builder
         */
        public Builder optHighest(boolean highest) {
            this.highest = highest;
            return this;
        }

        /**
         * Sets the ReMoE layer whose weights count; default 0, the mean of all.
         *
         * @param layer counted from 1 among the layers with ReMoE blocks
         * @return this builder
         */
        public Builder optLayer(int layer) {
            this.layer = layer;
            return this;
        }

        /**
         * Builds the attack.
         *
         * @return the attack
         * @throws IllegalArgumentException if a setting is out of range
         */
        public RegionPgd build() {
            return new RegionPgd(
                    threatModel, loss, stepSize, steps, grid, patchSize, regions, highest, layer);
        }
    }
}
