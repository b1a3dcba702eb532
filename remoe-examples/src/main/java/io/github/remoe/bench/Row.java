package io.github.remoe.bench;

import java.util.Arrays;
import java.util.stream.Collectors;

/** The rows of the table: which work is done, on which network, and how fast it should be. */
public enum Row {
    /** One image, as a service gets them. */
    INFERENCE_1("inference-1", "inference", Network.PLAIN, 1),
    /** A batch of images. */
    INFERENCE_64("inference-64", "inference", Network.PLAIN, 1),
    /** A large batch. */
    INFERENCE_256("inference-256", "inference", Network.PLAIN, 1),
    /** One step of PGD. */
    PGD_STEP("pgd-step", "pgd-step", Network.PLAIN, 1),
    /** A step of adversarial training with PGD-10. */
    SAT_STEP("sat-step", "sat-step", Network.PLAIN, 1.2),
    /** A batch of images through the network with ReMoE blocks. */
    REMOE_INFERENCE("remoe-inference", "inference", Network.REMOE, 1),
    /** A step of adversarial training with ReMoE blocks and both region losses. */
    REMOE_SAT_STEP("remoe-sat-step", "sat-step", Network.REMOE, 1.2),
    /** What ReMoE blocks add to an inference. */
    REMOE_OVERHEAD_INFERENCE("remoe-overhead-inference", "inference", Network.BOTH, Double.NaN),
    /** What ReMoE blocks add to a step of adversarial training, both with the plain loss. */
    REMOE_OVERHEAD_STEP("remoe-overhead-step", "sat-step", Network.BOTH, Double.NaN),
    /** PGD-20 to a verdict on each image. */
    EVALUATION("evaluation", "evaluation", Network.PLAIN, 1.3),
    /** Standard AutoAttack. */
    AUTOATTACK("autoattack", "autoattack", Network.PLAIN, 1),
    /** From the start of a process to the first prediction and gradient. */
    STARTUP("startup", null, Network.PLAIN, 1),
    /** Reading and augmenting one epoch of CIFAR-10. */
    DATA("data", "data", Network.PLAIN, 1);

    /** Which network is measured. */
    enum Network {
        /** The plain vision transformer. */
        PLAIN,
        /** The one with ReMoE blocks. */
        REMOE,
        /** Both in turns, ours alone. */
        BOTH
    }

    private static final int DATA_BATCH = 128;
    private static final int INFERENCE_BATCH = 64;
    private static final int OVERHEAD_ROUNDS = 20;
    private static final int MOST_EVALUATIONS = 3;
    private static final int MOST_AUTO_ATTACKS = 2;
    private static final int ATTACK_STEPS = 10;
    private static final int EVALUATION_STEPS = 20;

    // Multiply-adds of a pass, in forward passes: with a backward pass for the images, and with one
    // for images and parameters.
    private static final double FORWARD = 1;
    private static final double ATTACK_STEP = 2;
    private static final double TRAINING_PASS = 3;

    private final String label;
    private final String work;
    private final Network network;
    private final double leastRatio;

    Row(String label, String work, Network network, double leastRatio) {
        this.label = label;
        this.work = work;
        this.network = network;
        this.leastRatio = leastRatio;
    }

    /**
     * Returns a row by name.
     *
     * @param name the name, such as {@code sat-step}
     * @return the row
     * @throws IllegalArgumentException if there is none
     */
    public static Row of(String name) {
        return Arrays.stream(values())
                .filter(row -> row.label.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(String.format(
                        "Unknown row '%s'. Rows: %s.",
                        name,
                        Arrays.stream(values())
                                .map(Row::toString)
                                .collect(Collectors.joining(", ")))));
    }

    /** What a worker is asked to run; null for {@link #STARTUP}, which is timed from outside. */
    String work() {
        return work;
    }

    Network network() {
        return network;
    }

    /** How many times as fast as the peer it should be; NaN where it is not compared with it. */
    double leastRatio() {
        return leastRatio;
    }

    boolean comparesWithPeer() {
        return network != Network.BOTH;
    }

    boolean isAttacked() {
        return this == EVALUATION || this == AUTOATTACK;
    }

    /** Whether a worker can do it several times in one measurement. */
    boolean isRepeatable() {
        return "inference".equals(work) || this == PGD_STEP;
    }

    /** Whether a training step has both region losses, and so a pass over the clean images. */
    boolean hasRegionLosses() {
        return this == REMOE_SAT_STEP;
    }

    /**
     * Returns how often each side is measured: a difference of 5 % in something short takes more rounds,
     * what lasts minutes has fewer.
     *
     * @param rounds the rounds of the plan
     */
    int rounds(int rounds) {
        return switch (this) {
            case REMOE_OVERHEAD_INFERENCE -> OVERHEAD_ROUNDS * rounds;
            case EVALUATION -> Math.min(MOST_EVALUATIONS, rounds);
            case AUTOATTACK -> Math.min(MOST_AUTO_ATTACKS, rounds);
            default -> rounds;
        };
    }

    /** Whether a round that does not count comes first: AutoAttack is warm long before its end. */
    boolean isWarmedUp() {
        return this != AUTOATTACK;
    }

    int batch(BenchModel model) {
        return switch (this) {
            case INFERENCE_1, STARTUP -> 1;
            case INFERENCE_64, REMOE_INFERENCE -> INFERENCE_BATCH;
            case REMOE_OVERHEAD_INFERENCE -> INFERENCE_BATCH;
            case INFERENCE_256 -> 256;
            case PGD_STEP, SAT_STEP, REMOE_SAT_STEP, REMOE_OVERHEAD_STEP -> model.stepBatch();
            case EVALUATION -> model.evaluationBatch();
            case AUTOATTACK -> model.autoAttackImages();
            case DATA -> DATA_BATCH;
        };
    }

    /** How many images its inputs have to hold. */
    int images(BenchModel model) {
        return switch (this) {
            case EVALUATION -> model.evaluationImages();
            case DATA -> 1;
            default -> batch(model);
        };
    }

    /**
     * Returns the multiply-adds that the work cannot do without, in forward passes of one image; 0 if
     * they are not what it is about or nobody knows.
     *
     * <p>An attack step is a forward pass and a backward pass for the images, a training pass has a
     * backward pass for the parameters besides. To a verdict, an image that holds takes a forward pass
     * before and after the steps; one that breaks at least the first step and a look at it; one that
     * is wrong as it is the first pass alone.
     *
     * @param images how many images there are
     * @param cleanAccuracy the share of images that are right, for {@link #EVALUATION}
     * @param robustAccuracy the share of images that hold
     */
    double forwardPasses(int images, double cleanAccuracy, double robustAccuracy) {
        return images
                * switch (this) {
                    case INFERENCE_1, INFERENCE_64, INFERENCE_256 -> FORWARD;
                    case REMOE_INFERENCE, REMOE_OVERHEAD_INFERENCE -> FORWARD;
                    case PGD_STEP -> ATTACK_STEP;
                    case SAT_STEP, REMOE_OVERHEAD_STEP ->
                        ATTACK_STEPS * ATTACK_STEP + TRAINING_PASS;
                    case REMOE_SAT_STEP -> ATTACK_STEPS * ATTACK_STEP + 2 * TRAINING_PASS;
                    case EVALUATION ->
                        FORWARD
                                + robustAccuracy * (EVALUATION_STEPS * ATTACK_STEP + FORWARD)
                                + (cleanAccuracy - robustAccuracy) * (ATTACK_STEP + FORWARD);
                    case AUTOATTACK, STARTUP, DATA -> 0;
                };
    }

    /** {@inheritDoc} */
    @Override
    public String toString() {
        return label;
    }
}
