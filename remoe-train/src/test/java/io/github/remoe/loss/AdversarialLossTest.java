package io.github.remoe.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Differences;
import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Map;

/** What holds for the losses of SAT, TRADES and MART alike. */
class AdversarialLossTest {

    private static final RegionLosses ADAPTIVE = new RegionLosses(true, 0.5f, 0);
    private static final RegionLosses ALIGNED = new RegionLosses(false, 0.5f, 3);
    private static final RegionLosses BOTH = new RegionLosses(true, 0.4f, 3);

    enum Scheme {
        SAT {
            @Override
            AdversarialLoss loss(RegionLosses regions) {
                return new SatLoss(regions);
            }
        },
        TRADES {
            @Override
            AdversarialLoss loss(RegionLosses regions) {
                return new TradesLoss(6, regions);
            }
        },
        MART {
            @Override
            AdversarialLoss loss(RegionLosses regions) {
                return new MartLoss(5, regions);
            }
        };

        abstract AdversarialLoss loss(RegionLosses regions);
    }

    private NDManager manager;
    private NDArray clean;
    private NDArray adversarial;
    private NDArray cleanWeights;
    private NDArray advWeights;
    private NDList labels;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        clean = Golden.tensor(manager, DataType.FLOAT64, "clean", 3, 4);
        adversarial = Golden.tensor(manager, DataType.FLOAT64, "adversarial", 3, 4);
        cleanWeights = Golden.tensor(manager, DataType.FLOAT64, "w", 3, 2).add(2);
        advWeights = Golden.tensor(manager, DataType.FLOAT64, "w'", 3, 2).add(2);
        labels = new NDList(manager.create(new long[] {3, 0, 1}));
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private NDList predictions() {
        return new NDList(clean, cleanWeights, adversarial, advWeights);
    }

    private double value(AdversarialLoss loss, NDList predictions) {
        return Tensors.doubles(loss.evaluate(labels, predictions))[0];
    }

    private double crossEntropy(NDArray logits) {
        return Tensors.doubles(CrossEntropy.perImage(logits, labels.head()).mean())[0];
    }

    @Test
    void satWithGammaOneIsTheMeanOfCleanAndAdversarialCrossEntropy() {
        NDList unmoved = new NDList(clean, cleanWeights, adversarial, cleanWeights);

        assertThat(value(Scheme.SAT.loss(ADAPTIVE), unmoved))
                .isCloseTo((crossEntropy(clean) + crossEntropy(adversarial)) / 2, within(1e-12));
    }

    @ParameterizedTest
    @EnumSource(
            names = {"SAT"},
            mode = EnumSource.Mode.EXCLUDE)
    void aSchemeWithGammaOneIsAsItsAuthorsWroteIt(Scheme scheme) {
        NDList unmoved = new NDList(clean, cleanWeights, adversarial, cleanWeights);

        assertThat(value(scheme.loss(ADAPTIVE), unmoved))
                .isCloseTo(value(scheme.loss(RegionLosses.NONE), unmoved), within(1e-12));
        // The test can fail: these weights do move.
        assertThat(value(scheme.loss(ADAPTIVE), predictions()))
                .isNotCloseTo(value(scheme.loss(RegionLosses.NONE), predictions()), within(1e-3));
    }

    @Test
    void withoutRegionLossesSatIsTheAdversarialCrossEntropy() {
        assertThat(value(Scheme.SAT.loss(RegionLosses.NONE), predictions()))
                .isCloseTo(crossEntropy(adversarial), within(1e-12));
    }

    @ParameterizedTest
    @EnumSource
    void withoutRegionLossesRegionWeightsMayBeMissing(Scheme scheme) {
        AdversarialLoss loss = scheme.loss(RegionLosses.NONE);

        assertThat(value(loss, new NDList(clean, adversarial)))
                .isEqualTo(value(loss, predictions()));
    }

    @ParameterizedTest
    @EnumSource
    void alignmentIsAddedToWhateverIsThere(Scheme scheme) {
        double align = Tensors.doubles(RegionAlignmentLoss.align(predictions()))[0];

        assertThat(align).isGreaterThan(0.01);
        assertThat(value(scheme.loss(ALIGNED), predictions()))
                .isCloseTo(
                        value(scheme.loss(RegionLosses.NONE), predictions()) + 3 * align,
                        within(1e-9));
        assertThat(value(scheme.loss(BOTH), predictions()))
                .isCloseTo(
                        value(scheme.loss(new RegionLosses(true, 0.4f, 0)), predictions())
                                + 3 * align,
                        within(1e-9));
    }

    @ParameterizedTest
    @EnumSource
    void oneHotSoftLabelsAreTheLabels(Scheme scheme) {
        NDList soft = new NDList(labels.head().oneHot(4));

        assertThat(Tensors.doubles(scheme.loss(BOTH).evaluate(soft, predictions()))[0])
                .isCloseTo(value(scheme.loss(BOTH), predictions()), within(1e-12));
    }

    @ParameterizedTest
    @EnumSource
    void mixedLabelsGiveTheMixedLoss(Scheme scheme) {
        AdversarialLoss loss = scheme.loss(BOTH);
        NDArray other = manager.create(new long[] {1, 2, 1});
        NDArray mixed = labels.head().oneHot(4).mul(0.75).add(other.oneHot(4).mul(0.25));
        double first = value(loss, predictions());
        double second = Tensors.doubles(loss.evaluate(new NDList(other), predictions()))[0];

        double value = Tensors.doubles(loss.evaluate(new NDList(mixed), predictions()))[0];

        assertThat(value).isCloseTo(0.75 * first + 0.25 * second, within(1e-9));
    }

    @ParameterizedTest
    @EnumSource
    void gradientsAreTheCentralDifferences(Scheme scheme) {
        NDArray soft = Golden.tensor(manager, DataType.FLOAT64, "soft", 3, 4).softmax(1);
        for (NDArray target : new NDArray[] {labels.head(), soft}) {
            for (NDArray logits : new NDArray[] {clean, adversarial}) {
                Differences.check(
                        logits,
                        () -> scheme.loss(BOTH).evaluate(new NDList(target), predictions()));
            }
        }
        for (NDArray weights : new NDArray[] {cleanWeights, advWeights}) {
            Differences.check(weights, () -> scheme.loss(ALIGNED).evaluate(labels, predictions()));
        }
    }

    @ParameterizedTest
    @EnumSource
    void partsAreMeansWithoutFactors(Scheme scheme) {
        Map<String, NDArray> parts = scheme.loss(BOTH).parts(labels, predictions());

        NDArray gamma = RegionAdaptiveWeights.gamma(predictions());
        assertThat(parts.keySet()).hasSize(5).endsWith("gamma", "cleanWeight", "align");
        assertThat(Tensors.doubles(parts.get("gamma"))).isEqualTo(Tensors.doubles(gamma.mean()));
        assertThat(Tensors.doubles(parts.get("cleanWeight")))
                .isEqualTo(Tensors.doubles(
                        new RegionAdaptiveWeights(0.4f).cleanWeight(gamma).mean()));
        assertThat(Tensors.doubles(parts.get("align")))
                .isEqualTo(Tensors.doubles(RegionAlignmentLoss.align(predictions())));
        assertThat(scheme.loss(RegionLosses.NONE).parts(labels, predictions())).hasSize(2);
    }

    @Test
    void theTermsOfTradesAreCrossEntropyAndDivergence() {
        AdversarialLoss loss = Scheme.TRADES.loss(RegionLosses.NONE);

        Map<String, NDArray> parts = loss.parts(labels, predictions());

        double kl = Tensors.doubles(parts.get("kl"))[0];
        assertThat(Tensors.doubles(parts.get("cleanCrossEntropy"))[0])
                .isCloseTo(crossEntropy(clean), within(1e-12));
        assertThat(value(loss, predictions()))
                .isCloseTo(crossEntropy(clean) + 6 * kl, within(1e-12));
    }

    @Test
    void tradesComesOutAsByHand() {
        // Clean (1/2, 1/2) and adversarial (1/4, 3/4) with label 0:
        // ln 2 + 6 (1/2 ln 2 + 1/2 ln 2/3) = 0.693147 + 3 ln 4/3.
        NDArray even = Tensors.array(manager, new Shape(1, 2), 0, 0);
        NDArray tilted = Tensors.array(manager, new Shape(1, 2), 0, Math.log(3));
        NDList label = new NDList(manager.create(new long[] {0}));

        NDArray value =
                Scheme.TRADES.loss(RegionLosses.NONE).evaluate(label, new NDList(even, tilted));

        assertThat(Tensors.doubles(value)[0])
                .isCloseTo(Math.log(2) + 3 * Math.log(4 / 3.0), within(1e-6));
    }

    @Test
    void martComesOutAsByHand() {
        // Clean (1/2, 1/4, 1/4) and adversarial (1/4, 1/4, 1/2).
        NDArray clean = Tensors.array(manager, new Shape(1, 3), 2, 1, 1).log();
        NDArray adversarial = Tensors.array(manager, new Shape(1, 3), 1, 1, 2).log();
        NDList predictions = new NDList(clean, adversarial);
        AdversarialLoss mart = Scheme.MART.loss(RegionLosses.NONE);

        // Label 0: -ln 1/4 - ln(1.0001 - 1/2) + 5 (1/2 ln 2 - 1/4 ln 2) (1 - 1/2)
        double first = Tensors.doubles(
                mart.evaluate(new NDList(manager.create(new long[] {0})), predictions))[0];
        // Label 2, the likeliest: -ln 1/2 - ln(1.0001 - 1/4) + 5 x 1/4 ln 2 (1 - 1/4)
        double last = Tensors.doubles(
                mart.evaluate(new NDList(manager.create(new long[] {2})), predictions))[0];

        double ln2 = Math.log(2);
        assertThat(first)
                .isCloseTo(2 * ln2 - Math.log(0.5001) + 5 * 0.25 * ln2 * 0.5, within(1e-6));
        assertThat(last).isCloseTo(ln2 - Math.log(0.7501) + 5 * 0.25 * ln2 * 0.75, within(1e-6));
    }

    @Test
    void aCertainNetworkGivesMartFiniteGradients() {
        NDArray wrong = Tensors.array(manager, new Shape(1, 3), 500, 0, 0);
        wrong.setRequiresGradient(true);
        NDList label = new NDList(manager.create(new long[] {1}));

        Tensors.backward(() ->
                Scheme.MART.loss(RegionLosses.NONE).evaluate(label, new NDList(wrong, wrong)));

        // The cross-entropy pulls with slopes 1 and -1; the margin is flat out there.
        assertThat(Tensors.doubles(wrong.getGradient()))
                .containsExactly(new double[] {1, -1, 0}, within(1e-5));
    }

    @ParameterizedTest
    @ValueSource(floats = {-1, Float.NaN, Float.POSITIVE_INFINITY})
    void theWeightOfTheAdversarialTermIsAWeight(float beta) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TradesLoss(beta, RegionLosses.NONE))
                .withMessageContaining("beta of TRADES must be finite and 0 or more");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new MartLoss(beta, RegionLosses.NONE))
                .withMessageContaining("beta of MART");
    }

    @Test
    void regionLossesAreOnIfEitherIs() {
        assertThat(RegionLosses.NONE.any()).isFalse();
        assertThat(ADAPTIVE.any()).isTrue();
        assertThat(ALIGNED.any()).isTrue();
    }
}
