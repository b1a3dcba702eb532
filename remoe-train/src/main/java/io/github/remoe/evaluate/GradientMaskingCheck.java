package io.github.remoe.evaluate;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.attack.Apgd;
import io.github.remoe.attack.Attack;
import io.github.remoe.attack.Fgsm;
import io.github.remoe.attack.Norm;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.Rows;
import io.github.remoe.attack.Square;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.Seeds;
import io.github.remoe.evaluate.MaskingReport.Check;
import io.github.remoe.evaluate.MaskingReport.Outcome;
import io.github.remoe.loss.CrossEntropy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Looks for gradient masking: a model that gives attacks no useful gradients seems robust to them
 * without being so. The signs are those of Athalye et al. (2018) and Carlini et al. (2019).
 *
 * <ul>
 *   <li>Gradients are zero or vanish.
 *   <li>The loss under PGD does not rise with more steps, or falls; accuracy does not settle.
 *   <li>A single step breaks more images than the white-box attack; so does random noise; so does a
 *       black-box attack; so do adversarial images of another model.
 *   <li>Accuracy stays above 0 although epsilon allows every image.
 * </ul>
 *
 * <p>Each check is made on the images that are classified rightly as they are, and none says more than
 * their number allows: a check fails or passes only if the 95 % interval of what it measures does.
 * With no adversarial image where none is expected, it takes about 75 images to pass.
 *
 * <pre>{@code
 * MaskingReport report = GradientMaskingCheck.builder(ThreatModel.linf(8 / 255f))
 *         .optSurrogate(undefended)
 *         .build()
 *         .run(model, images, labels);
 * System.out.print(report.toText());
 * }</pre>
 */
public final class GradientMaskingCheck {

    /** The share of images that a check allows for what is expected of none. */
    public static final double TOLERANCE = 0.05;

    // Attacks divide by a gradient's length plus as much.
    private static final float VANISHING = 1e-10f;

    private static final String SINGLE_STEP = "a single step";
    private static final String NOISE = "random noise";
    private static final String BLACK_BOX = "the black-box attack";
    private static final String TRANSFER = "transfer from the surrogate";

    private final ThreatModel threatModel;
    private final Function<ThreatModel, Attack> whiteBox;
    private final Function<ThreatModel, Attack> blackBox;
    private final TargetModel surrogate;
    private final int[] stepCounts;
    private final int noiseSamples;
    private final int batchSize;
    private final long seed;
    private final EvaluationListener listener;

    private GradientMaskingCheck(Builder builder) {
        threatModel = builder.threatModel;
        whiteBox = builder.whiteBox;
        blackBox = builder.blackBox;
        surrogate = builder.surrogate;
        stepCounts = builder.stepCounts.clone();
        noiseSamples = builder.noiseSamples;
        batchSize = builder.batchSize;
        seed = builder.seed;
        listener = builder.listener;
    }

    /**
     * Creates a builder.
     *
     * @param threatModel the threat that the model is said to be robust to; epsilon greater than 0
     * @return a new builder
     */
    public static Builder builder(ThreatModel threatModel) {
        return new Builder(threatModel);
    }

    /**
     * Checks a model.
     *
     * @param model the model
     * @param images clean images (B,C,h,w), about 100 or more
     * @param labels true classes (B)
     * @return what was found
     * @throws IllegalArgumentException if no image is classified rightly, or shapes or pixel values do
     *     not fit
     */
    public MaskingReport run(TargetModel model, NDArray images, NDArray labels) {
        long total = images.getShape().get(0);
        List<Float> epsilons = epsilons(images.getShape().slice(1).size());
        Measurements measured = new Measurements();
        for (long from = 0; from < total; from += batchSize) {
            long to = Math.min(total, from + batchSize);
            try (NDScope scope = new NDScope()) {
                scope.suppressNotUsedWarning();
                NDIndex range = new NDIndex("{}:{}", from, to);
                measure(model, images.get(range), labels.get(range), from, epsilons, measured);
            }
            listener.onImagesJudged(Math.toIntExact(to - from));
        }
        if (measured.vanishing.isEmpty()) {
            throw new IllegalArgumentException(String.format(
                    "The model classifies none of the %d images rightly, so there is nothing to"
                            + " attack.",
                    total));
        }
        return report(measured, total, epsilons);
    }

    /** From the threat's own, each twice the one before, to one that allows every image. */
    private List<Float> epsilons(long pixels) {
        float range = threatModel.pixelMax() - threatModel.pixelMin();
        float largest =
                threatModel.norm() == Norm.LINF ? range : (float) (range * Math.sqrt(pixels));
        if (threatModel.epsilon() > largest) {
            throw new IllegalArgumentException(String.format(
                    "epsilon %s allows every image already: at %s it reaches all of them. Choose a"
                            + " smaller one.",
                    threatModel.epsilon(), largest));
        }
        List<Float> epsilons = new ArrayList<>();
        for (float e = threatModel.epsilon(); e < largest; e *= 2) {
            epsilons.add(e);
        }
        epsilons.add(largest);
        return epsilons;
    }

    private void measure(
            TargetModel model,
            NDArray batch,
            NDArray batchLabels,
            long from,
            List<Float> epsilons,
            Measurements measured) {
        int[] rows = Rows.of(wrong(model, batch, batchLabels).logicalNot());
        if (rows.length == 0) {
            return;
        }
        NDArray images = Rows.select(batch, rows);
        NDArray labels = Rows.select(batchLabels, rows);
        long[] seeds = Arrays.stream(rows)
                .mapToLong(row -> Seeds.of("masking", seed, from + row))
                .toArray();

        NDArray gradient = model.gradient(
                        images, outputs -> CrossEntropy.perImage(outputs.head(), labels))
                .gradient();
        NDArray lengths = ThreatModel.l2(0).distance(gradient, gradient.zerosLike());
        add(measured.vanishing, lengths.lt(VANISHING));

        for (int steps : stepCounts) {
            Attack pgd =
                    Pgd.builder(threatModel).optSteps(steps).optLastPoint(true).build();
            NDArray last = perturb("pgd-" + steps, threatModel, pgd, model, images, labels, seeds);
            NDArray logits = model.predict(last).head();
            float[] losses = CrossEntropy.perImage(logits, labels)
                    .toType(DataType.FLOAT32, false)
                    .toFloatArray();
            for (float loss : losses) {
                measured.losses.computeIfAbsent(steps, key -> new ArrayList<>()).add(loss);
            }
            add(measured.brokenBySteps(steps), wrong(model, last, labels));
        }
        boolean[] broken = new boolean[rows.length];
        for (float epsilon : epsilons) {
            ThreatModel threat = threatModel.withEpsilon(epsilon);
            // What was found at one epsilon lies within the larger ones too.
            int[] left =
                    IntStream.range(0, broken.length).filter(i -> !broken[i]).toArray();
            if (left.length > 0) {
                NDArray leftLabels = Rows.select(labels, left);
                NDArray point = perturb(
                        "white box",
                        threat,
                        whiteBox.apply(threat),
                        model,
                        Rows.select(images, left),
                        leftLabels,
                        Arrays.stream(left).mapToLong(i -> seeds[i]).toArray());
                boolean[] wrong = wrong(model, point, leftLabels).toBooleanArray();
                for (int i = 0; i < left.length; i++) {
                    broken[left[i]] = wrong[i];
                }
            }
            for (boolean flag : broken) {
                measured.brokenByEpsilon(epsilon).add(flag);
            }
        }
        Map<String, Attack> others = new LinkedHashMap<>();
        others.put(SINGLE_STEP, new Fgsm(threatModel));
        others.put(NOISE, noise());
        if (blackBox != null) {
            others.put(BLACK_BOX, blackBox.apply(threatModel));
        }
        others.forEach((name, attack) -> {
            NDArray point = perturb(name, threatModel, attack, model, images, labels, seeds);
            add(measured.brokenBy(name), wrong(model, point, labels));
        });
        if (surrogate != null) {
            Attack attack = whiteBox.apply(threatModel);
            NDArray point =
                    perturb(TRANSFER, threatModel, attack, surrogate, images, labels, seeds);
            add(measured.brokenBy(TRANSFER), wrong(model, point, labels));
        }
    }

    private NDArray perturb(
            String name,
            ThreatModel threat,
            Attack attack,
            TargetModel model,
            NDArray images,
            NDArray labels,
            long[] seeds) {
        listener.onAttack(name, threat.epsilon(), seeds.length);
        return attack.perturb(model, images, labels, seeds);
    }

    /** Random starts of PGD that no step follows. */
    private Attack noise() {
        return Pgd.builder(threatModel)
                .optSteps(1)
                .optStepSize(0)
                .optRestarts(noiseSamples)
                .build();
    }

    private static NDArray wrong(TargetModel model, NDArray images, NDArray labels) {
        NDArray logits = model.predict(images).head();
        return logits.argMax(1).neq(labels.toType(DataType.INT64, false));
    }

    private static void add(List<Boolean> flags, NDArray batch) {
        for (boolean flag : batch.toBooleanArray()) {
            flags.add(flag);
        }
    }

    private MaskingReport report(Measurements measured, long total, List<Float> epsilons) {
        List<MaskingReport.Steps> steps = Arrays.stream(stepCounts)
                .mapToObj(count -> new MaskingReport.Steps(
                        count,
                        mean(measured.losses.get(count)),
                        new Accuracy(held(measured.brokenBySteps(count)), total)))
                .toList();
        List<MaskingReport.Epsilon> curve = epsilons.stream()
                .map(epsilon -> new MaskingReport.Epsilon(
                        epsilon, new Accuracy(held(measured.brokenByEpsilon(epsilon)), total)))
                .toList();

        List<Boolean> white = measured.brokenByEpsilon(threatModel.epsilon());
        List<Check> checks = new ArrayList<>();
        checks.add(vanishing(measured.vanishing));
        checks.add(lossOverSteps(measured));
        checks.add(accuracyOverSteps(measured));
        for (String weaker : List.of(SINGLE_STEP, NOISE, BLACK_BOX, TRANSFER)) {
            if (measured.broken.containsKey(weaker)) {
                checks.add(notStronger(weaker, measured.brokenBy(weaker), white));
            }
        }
        checks.add(unbounded(epsilons, measured));

        List<String> notChecked = new ArrayList<>();
        if (blackBox == null) {
            notChecked.add(BLACK_BOX + ": none was given");
        }
        if (surrogate == null) {
            notChecked.add(TRANSFER + ": none was given");
        }
        return new MaskingReport(
                threatModel,
                new Accuracy(white.size(), total),
                steps,
                curve,
                List.copyOf(checks),
                List.copyOf(notChecked));
    }

    private static Check vanishing(List<Boolean> vanishing) {
        Accuracy share = new Accuracy(vanishing.size() - held(vanishing), vanishing.size());
        return check(
                "gradients",
                share.lower() > TOLERANCE,
                share.upper() < TOLERANCE,
                share.value(),
                share.lower(),
                share.upper(),
                String.format(
                        "the gradient vanishes in %d of %d images",
                        share.correct(), share.total()));
    }

    /** From the fewest steps to the most, each image's loss has to rise, and the mean never to fall. */
    private Check lossOverSteps(Measurements measured) {
        int fewest = stepCounts[0];
        int most = stepCounts[stepCounts.length - 1];
        List<Float> first = measured.losses.get(fewest);
        List<Float> last = measured.losses.get(most);
        long stuck = IntStream.range(0, first.size())
                .filter(i -> last.get(i) <= first.get(i))
                .count();
        Accuracy share = new Accuracy(stuck, first.size());
        double allowed = TOLERANCE * Math.max(0, mean(last) - mean(first));
        boolean falls = false;
        boolean mayFall = false;
        for (int i = 1; i < stepCounts.length; i++) {
            Mean fall = Mean.ofDifference(
                    measured.losses.get(stepCounts[i - 1]), measured.losses.get(stepCounts[i]));
            falls |= fall.lower > allowed;
            mayFall |= fall.upper > allowed;
        }
        return check(
                "loss over steps",
                falls || share.lower() > TOLERANCE,
                !mayFall && share.upper() < TOLERANCE,
                share.value(),
                share.lower(),
                share.upper(),
                String.format(
                        Locale.ROOT,
                        "from %d to %d PGD steps the loss of %d of %d images does not rise, the mean"
                                + " goes from %.3g to %.3g%s",
                        fewest,
                        most,
                        stuck,
                        share.total(),
                        mean(first),
                        mean(last),
                        falls ? " and falls in between" : ""));
    }

    /** More steps must not lose images, and in the end they should change nothing. */
    private Check accuracyOverSteps(Measurements measured) {
        boolean lost = false;
        boolean settled = true;
        PairedDifference last = null;
        for (int i = 1; i < stepCounts.length; i++) {
            last = difference(
                    measured.brokenBySteps(stepCounts[i - 1]),
                    measured.brokenBySteps(stepCounts[i]));
            lost |= last.lower() > TOLERANCE;
            settled &= last.upper() < TOLERANCE;
        }
        settled &= last.lower() > -TOLERANCE;
        int most = stepCounts[stepCounts.length - 1];
        int before = stepCounts[stepCounts.length - 2];
        return check(
                "accuracy over steps",
                lost,
                settled,
                last.value(),
                last.lower(),
                last.upper(),
                String.format(
                        "%d PGD steps leave %d of %d images right, %d steps %d%s",
                        before,
                        held(measured.brokenBySteps(before)),
                        last.total(),
                        most,
                        held(measured.brokenBySteps(most)),
                        lost ? ", and more steps lose images on the way" : ""));
    }

    private static Check notStronger(String name, List<Boolean> weaker, List<Boolean> white) {
        PairedDifference difference = difference(weaker, white);
        return check(
                name,
                difference.lower() > 0,
                difference.upper() < TOLERANCE,
                difference.value(),
                difference.lower(),
                difference.upper(),
                String.format(
                        "%s breaks %d of %d images, the white-box attack %d and all but %d of those",
                        name,
                        weaker.size() - held(weaker),
                        weaker.size(),
                        white.size() - held(white),
                        difference.first()));
    }

    private static Check unbounded(List<Float> epsilons, Measurements measured) {
        float largest = epsilons.get(epsilons.size() - 1);
        List<Boolean> broken = measured.brokenByEpsilon(largest);
        Accuracy left = new Accuracy(held(broken), broken.size());
        return check(
                "unbounded epsilon",
                left.lower() > TOLERANCE,
                left.correct() == 0 && left.upper() < TOLERANCE,
                left.value(),
                left.lower(),
                left.upper(),
                String.format(
                        Locale.ROOT,
                        "epsilon %.3g, which allows every image, leaves %d of %d images right",
                        largest,
                        left.correct(),
                        left.total()));
    }

    private static Check check(
            String name,
            boolean fail,
            boolean pass,
            double value,
            double lower,
            double upper,
            String finding) {
        Outcome outcome = fail ? Outcome.FAIL : pass ? Outcome.PASS : Outcome.INCONCLUSIVE;
        return new Check(name, outcome, value, lower, upper, finding);
    }

    private static long held(List<Boolean> broken) {
        return broken.stream().filter(flag -> !flag).count();
    }

    private static PairedDifference difference(List<Boolean> first, List<Boolean> second) {
        long onlyFirst = IntStream.range(0, first.size())
                .filter(i -> first.get(i) && !second.get(i))
                .count();
        long onlySecond = IntStream.range(0, first.size())
                .filter(i -> second.get(i) && !first.get(i))
                .count();
        return new PairedDifference(onlyFirst, onlySecond, first.size());
    }

    private static double mean(List<Float> values) {
        return values.stream().mapToDouble(Float::doubleValue).average().orElseThrow();
    }

    /** What was measured, for every image that is classified rightly, in order. */
    private static final class Measurements {

        private final List<Boolean> vanishing = new ArrayList<>();
        private final Map<Integer, List<Float>> losses = new LinkedHashMap<>();
        private final Map<String, List<Boolean>> broken = new LinkedHashMap<>();

        List<Boolean> brokenBy(String attack) {
            return broken.computeIfAbsent(attack, key -> new ArrayList<>());
        }

        List<Boolean> brokenBySteps(int steps) {
            return brokenBy("pgd-" + steps);
        }

        List<Boolean> brokenByEpsilon(float epsilon) {
            return brokenBy("white box at " + epsilon);
        }
    }

    /** A mean with its 95 % interval by the normal distribution. */
    private record Mean(double lower, double upper) {

        static Mean ofDifference(List<Float> first, List<Float> second) {
            double[] differences = IntStream.range(0, first.size())
                    .mapToDouble(i -> first.get(i) - second.get(i))
                    .toArray();
            double mean = Arrays.stream(differences).average().orElseThrow();
            double squares =
                    Arrays.stream(differences).map(d -> (d - mean) * (d - mean)).sum();
            int count = differences.length;
            double width = count == 1 ? 0 : Accuracy.Z * Math.sqrt(squares / (count - 1) / count);
            return new Mean(mean - width, mean + width);
        }
    }

    /** The Builder to construct a {@link GradientMaskingCheck}. */
    public static final class Builder {

        private final ThreatModel threatModel;
        private Function<ThreatModel, Attack> whiteBox =
                threat -> Apgd.builder(threat).build();
        private Function<ThreatModel, Attack> blackBox =
                threat -> Square.builder(threat).optQueries(1000).build();
        private TargetModel surrogate;
        private int[] stepCounts = {1, 2, 5, 10, 20, 50, 100};
        private int noiseSamples = 20;
        private int batchSize = 100;
        private long seed;
        private EvaluationListener listener = new EvaluationListener() {};

        private Builder(ThreatModel threatModel) {
            if (threatModel.epsilon() == 0) {
                throw new IllegalArgumentException("With epsilon 0 there is nothing to check.");
            }
            this.threatModel = threatModel;
        }

        /**
         * Sets the attack with gradients that the others are compared to; default {@link Apgd} on
         * cross-entropy with 100 steps.
         *
         * @param whiteBox makes it for the threat and for larger epsilons
         * @return this builder
         */
        public Builder optWhiteBox(Function<ThreatModel, Attack> whiteBox) {
            this.whiteBox = whiteBox;
            return this;
        }

        /**
         * Sets an attack that uses no gradients; default {@link Square} with 1000 queries. AutoAttack's
         * 5000 find more, and take longer than all the rest.
         *
         * @param blackBox makes it for the threat; null leaves this check out
         * @return this builder
         */
        public Builder optBlackBox(Function<ThreatModel, Attack> blackBox) {
            this.blackBox = blackBox;
            return this;
        }

        /**
         * Sets another model of the same task, best one with sound gradients, such as an undefended
         * one; its adversarial images are tried on the model. Default none.
         *
         * @param surrogate the other model; null leaves this check out
         * @return this builder
         */
        public Builder optSurrogate(TargetModel surrogate) {
            this.surrogate = surrogate;
            return this;
        }

        /**
         * Sets after how many steps PGD is looked at; default 1, 2, 5, 10, 20, 50, 100.
         *
         * @param stepCounts two or more numbers, rising
         * @return this builder
         */
        public Builder optStepCounts(int... stepCounts) {
            boolean rising = IntStream.range(1, stepCounts.length)
                    .allMatch(i -> stepCounts[i - 1] < stepCounts[i]);
            if (stepCounts.length < 2 || stepCounts[0] < 1 || !rising) {
                throw new IllegalArgumentException("Step counts are two or more rising numbers from"
                        + " 1, such as 1, 10, 100; got "
                        + Arrays.toString(stepCounts)
                        + ".");
            }
            this.stepCounts = stepCounts.clone();
            return this;
        }

        /**
         * Sets how many random perturbations of each image are tried; default 20.
         *
         * @param noiseSamples at least 1
         * @return this builder
         */
        public Builder optNoiseSamples(int noiseSamples) {
            this.noiseSamples = noiseSamples;
            return this;
        }

        /**
         * Sets how many images are attacked at a time; default 100.
         *
         * @param batchSize at least 1
         * @return this builder
         */
        public Builder optBatchSize(int batchSize) {
            if (batchSize < 1) {
                throw new IllegalArgumentException(
                        "batchSize must be at least 1, got " + batchSize + ".");
            }
            this.batchSize = batchSize;
            return this;
        }

        /**
         * Sets what the attacks' random choices come from; default 0.
         *
         * @param seed the seed
         * @return this builder
         */
        public Builder optSeed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * Sets who is told how the work goes on: of each attack when it starts on a batch, and of the
         * batch when all are done.
         *
         * @param listener the listener
         * @return this builder
         */
        public Builder optListener(EvaluationListener listener) {
            this.listener = listener;
            return this;
        }

        /**
         * Builds the check.
         *
         * @return the check
         */
        public GradientMaskingCheck build() {
            return new GradientMaskingCheck(this);
        }
    }
}
