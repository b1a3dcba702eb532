package io.github.remoe.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;

import io.github.remoe.autograd.Constants;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A loss over clean and adversarial images, with the region losses or without.
 *
 * <p>Each scheme has two terms an image, A and B, and one formula puts them together (s is 1 for SAT
 * and 2 for TRADES and MART):
 *
 * <pre>
 * as its authors wrote it    L = mean over the batch of (s - 1) A + B
 * region-adaptive            L = mean over the batch of s (beta~ A + (1 - beta~) B)
 * in total                   L + lambda_align L_align
 * </pre>
 *
 * <p>At beta~ = 0.5 the region-adaptive form of TRADES and MART is the authors', and that of SAT is
 * the mean of clean and adversarial cross-entropy.
 *
 * @see RegionAdaptiveWeights
 * @see RegionAlignmentLoss
 */
public abstract class AdversarialLoss extends TrainingLoss {

    /** The name of the mean of gamma among a region-adaptive loss's parts. */
    public static final String GAMMA = "gamma";

    /** The name of the mean of beta~ among a region-adaptive loss's parts. */
    public static final String CLEAN_WEIGHT = "cleanWeight";

    private final RegionLosses regions;
    private final RegionAdaptiveWeights weights;
    private final RegionAlignmentLoss alignment;
    private final int scale;

    /**
     * Creates the loss.
     *
     * @param name the name that DJL's listeners show
     * @param regions which region losses are used
     * @param scale s, 1 or 2
     */
    AdversarialLoss(String name, RegionLosses regions, int scale) {
        super(name);
        this.regions = regions;
        this.scale = scale;
        weights = new RegionAdaptiveWeights(regions.beta());
        alignment = new RegionAlignmentLoss(regions.lambdaAlign());
    }

    static float checked(float beta, String scheme) {
        if (!(beta >= 0 && Float.isFinite(beta))) {
            throw new IllegalArgumentException(String.format(
                    "The beta of %s must be finite and 0 or more, got %s.", scheme, beta));
        }
        return beta;
    }

    /**
     * Returns the scheme's two terms.
     *
     * @param labels classes (B), or soft labels (B,C)
     * @param clean logits for clean images (B,C)
     * @param adversarial logits for adversarial images (B,C)
     * @return A and B
     */
    abstract Terms terms(NDArray labels, NDArray clean, NDArray adversarial);

    /** {@inheritDoc} */
    @Override
    public NDArray evaluate(NDList labels, NDList predictions) {
        Terms terms = terms(labels, predictions);
        NDArray loss = combine(terms.a().weighted(), terms.b().weighted(), predictions);
        return regions.aligned() ? loss.add(alignment.evaluate(labels, predictions)) : loss;
    }

    private Terms terms(NDList labels, NDList predictions) {
        CleanAndAdversarial outputs = CleanAndAdversarial.of(predictions);
        return terms(
                labels.singletonOrThrow(),
                outputs.clean().head(),
                outputs.adversarial().head());
    }

    private NDArray combine(NDArray a, NDArray b, NDList predictions) {
        if (!regions.adaptive()) {
            return scale == 1 ? b.mean() : a.add(b).mean();
        }
        NDArray cleanWeight = weights.cleanWeight(RegionAdaptiveWeights.gamma(predictions));
        NDArray mean = a.sub(b).mul(cleanWeight).add(b).mean();
        return mean.mul(Constants.scalar(mean, scale));
    }

    /**
     * {@inheritDoc}
     *
     * <p>They are the scheme's terms, then {@value #GAMMA} and {@value #CLEAN_WEIGHT} (beta~) of a
     * region-adaptive loss, then {@code align} (L_align) of one with alignment.
     */
    @Override
    public Map<String, NDArray> parts(NDList labels, NDList predictions) {
        Terms terms = terms(labels, predictions);
        Map<String, NDArray> parts = new LinkedHashMap<>();
        parts.put(terms.a().name(), terms.a().losses().mean());
        parts.put(terms.b().name(), terms.b().losses().mean());
        if (regions.adaptive()) {
            NDArray gamma = RegionAdaptiveWeights.gamma(predictions);
            parts.put(GAMMA, gamma.mean());
            parts.put(CLEAN_WEIGHT, weights.cleanWeight(gamma).mean());
        }
        if (regions.aligned()) {
            parts.put("align", RegionAlignmentLoss.align(predictions));
        }
        return parts;
    }

    /**
     * The two terms of a scheme.
     *
     * @param a what beta~ weighs
     * @param b what 1 - beta~ weighs
     */
    record Terms(Term a, Term b) {}

    /**
     * One of them.
     *
     * @param name its name in logs
     * @param losses one loss an image (B)
     * @param factor its factor in the scheme
     */
    record Term(String name, NDArray losses, float factor) {

        NDArray weighted() {
            return factor == 1 ? losses : losses.mul(Constants.scalar(losses, factor));
        }
    }
}
