package io.github.remoe.benchmark;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.training.dataset.Batch;
import ai.djl.training.tracker.Tracker;

import io.github.remoe.ReMoE;
import io.github.remoe.data.RandomCropFlip;
import io.github.remoe.loss.CrossEntropy;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.moe.RegionTransform;
import io.github.remoe.nn.Linear;
import io.github.remoe.train.TorchSgd;
import io.github.remoe.vit.EncoderBlock;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/**
 * The parts of DeiT-T 32/4 and of its training, each by itself: batches of 65 tokens, 192 wide.
 * Forward passes without gradients, but for {@link #gradient}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "-Dai.djl.offline=true")
public class PartsBenchmark {

    private static final String PRESET = "deit_tiny_patch4_32";
    private static final int SIDE = 32;
    private static final int TOKENS = 65;
    private static final RandomCropFlip CROP_FLIP = RandomCropFlip.builder().build();

    /** Images. */
    @Param("64")
    public int batch;

    private MeasuredNetwork network;
    private Batch images;
    private NDManager manager;
    private ParameterStore parameters;
    private EncoderBlock layer;
    private ReMoEBlock remoe;
    private RegionTransform regions;
    private NDArray tokens;
    private NDArray attention;
    private NDArray regionTokens;
    private NDArray logits;
    private TorchSgd optimizer;
    private List<NDArray> gradients;
    private byte[][] pixels;
    private byte[] augmented;
    private long epoch;

    /** A linear layer's sizes; its batch is that of the other parts. */
    @State(Scope.Benchmark)
    public static class LinearLayer {

        /** Which of a transformer layer's. */
        @Param({"qkv", "proj", "fc1", "fc2"})
        public String linear;

        private NDArray input;
        private NDArray weight;
        private NDArray bias;

        /** Draws input and weights. */
        @Setup
        public void create(PartsBenchmark parts) {
            int width = parts.network.vit().getEmbedDim();
            long in = linear.equals("fc2") ? 4 * width : width;
            long out = switch (linear) {
                case "qkv" -> 3 * width;
                case "fc1" -> 4 * width;
                default -> width;
            };
            input = parts.random(parts.batch, TOKENS, in);
            weight = parts.random(out, in);
            bias = parts.random(out);
        }
    }

    /**
     * Runs the benchmarks.
     *
     * @param args those of JMH: {@code -h} tells them
     * @throws Exception if JMH fails
     */
    public static void main(String[] args) throws Exception {
        if (PartsBenchmark.class.getClassLoader() instanceof URLClassLoader loader) {
            // JMH's processes get the class path of this one, which under Maven is Maven's own.
            List<String> files = new ArrayList<>();
            for (URL url : loader.getURLs()) {
                files.add(Path.of(url.toURI()).toString());
            }
            System.setProperty("java.class.path", String.join(File.pathSeparator, files));
        }
        org.openjdk.jmh.Main.main(args);
    }

    /** Makes what the parts need. */
    @Setup
    public void create() {
        network = new MeasuredNetwork(Presets.builder(PRESET).optNumClasses(10).build(), 1);
        images = network.batch(batch);
        manager = network.manager().newSubManager();
        parameters = new ParameterStore(manager, false);

        VisionTransformer vit = Presets.builder(PRESET).build();
        ReMoE.builder().build().insertInto(vit);
        vit.freezeParameters(true);
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
        layer = vit.getBlocks().get(0);
        remoe = vit.getBlocks().stream()
                .map(EncoderBlock::getFeedForward)
                .filter(ReMoEBlock.class::isInstance)
                .map(ReMoEBlock.class::cast)
                .findFirst()
                .orElseThrow();
        regions = RegionTransform.ofRegions(remoe.getGrid(), vit.getPrefixTokens());
        tokens = random(batch, TOKENS, vit.getEmbedDim());
        attention = random(batch, vit.getNumHeads(), TOKENS, TOKENS).softmax(-1);
        regionTokens = regions.toRegions(tokens);

        logits = random(batch, 10);
        optimizer = TorchSgd.builder()
                .setLearningRateTracker(Tracker.fixed(1e-4f))
                .optMomentum(0.9f)
                .optWeightDecays(1e-4f)
                .build();
        gradients = new ArrayList<>();
        for (Parameter parameter : network.vit().getParameters().values()) {
            gradients.add(manager.zeros(parameter.getShape()));
        }
        pixels = new byte[batch][3 * SIDE * SIDE];
        SplittableRandom random = new SplittableRandom(0);
        for (byte[] image : pixels) {
            random.nextBytes(image);
        }
        augmented = new byte[3 * SIDE * SIDE];
    }

    private NDArray random(long... shape) {
        return manager.randomUniform(-1, 1, new Shape(shape));
    }

    /** Frees it. */
    @TearDown
    public void close() {
        manager.close();
        images.close();
        network.close();
    }

    /** Runs a part and frees its results. */
    private static void run(Runnable part) {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            part.run();
        }
    }

    private void forward(Block block, NDArray... inputs) {
        run(() -> block.forward(parameters, new NDList(inputs), false));
    }

    /** The library's linear layer. */
    @Benchmark
    public void linear(LinearLayer layer) {
        run(() -> Linear.affine(layer.input, layer.weight, layer.bias));
    }

    /** DJL's linear layer. */
    @Benchmark
    public void linearOfDjl(LinearLayer layer) {
        run(() -> ai.djl.nn.core.Linear.linear(layer.input, layer.weight, layer.bias));
    }

    /** Self-attention, qkv to proj. */
    @Benchmark
    public void selfAttention() {
        forward(layer.getSelfAttention(), tokens);
    }

    /** A whole transformer layer. */
    @Benchmark
    public void encoderBlock() {
        forward(layer, tokens);
    }

    /** The feed-forward network that a ReMoE block has as its global expert. */
    @Benchmark
    public void globalExpert() {
        forward(remoe.getGlobalExpert(), tokens);
    }

    /** A ReMoE block, global expert included. */
    @Benchmark
    public void remoeBlock() {
        forward(remoe, tokens, attention);
    }

    /** P2R. */
    @Benchmark
    public void toRegions() {
        run(() -> regions.toRegions(tokens));
    }

    /** R2P. */
    @Benchmark
    public void toTokens() {
        run(() -> regions.toTokens(regionTokens));
    }

    /** The cross-entropy of each image. */
    @Benchmark
    public void crossEntropy() {
        run(() -> CrossEntropy.perImage(logits, images.getLabels().head()));
    }

    /** The gradient of an attack: a pass through the network and back. */
    @Benchmark
    public void gradient() {
        NDArray labels = images.getLabels().head();
        run(() -> network.target()
                .gradient(
                        images.getData().head(),
                        outputs -> CrossEntropy.perImage(outputs.head(), labels)));
    }

    /** An update of all parameters. */
    @Benchmark
    public void sgd() {
        int i = 0;
        for (Parameter parameter : network.vit().getParameters().values()) {
            optimizer.update(parameter.getId(), parameter.getArray(), gradients.get(i++));
        }
    }

    /** Crops and mirrors a batch. */
    @Benchmark
    public byte[] cropFlip() {
        for (int i = 0; i < batch; i++) {
            CROP_FLIP.apply(pixels[i], augmented, SIDE, SIDE, epoch, i);
        }
        epoch++;
        return augmented;
    }
}
