package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SymbolBlock;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.training.dataset.Batch;
import ai.djl.translate.Batchifier;
import ai.djl.util.Pair;
import ai.djl.util.PairList;

import io.github.remoe.Golden;
import io.github.remoe.ReMoE;
import io.github.remoe.Tensors;
import io.github.remoe.attack.Attack;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.attack.TinyNetworks;
import io.github.remoe.loss.RegionLosses;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** Several CPU devices are one and the same, but parts run as on several, on copies. */
class DataParallelTest {

    static final Attack PGD_2 =
            Pgd.builder(ThreatModel.linf(8 / 255f)).optSteps(2).build();

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager(Device.cpu());
    }

    @AfterEach
    void close() {
        manager.close();
    }

    static Device[] cpus(int count) {
        return Collections.nCopies(count, Device.cpu()).toArray(new Device[0]);
    }

    private static DataParallel parallel(Block block, Device... devices) {
        return new DataParallel(block, List.of(devices));
    }

    private static NDArray images(NDManager manager, int rows) {
        return Golden.initializer("image", 0, 1)
                .initialize(manager, new Shape(rows, 3, 8, 8), DataType.FLOAT32);
    }

    private static NDArray labels(NDManager manager, int rows) {
        return manager.create(LongStream.range(0, rows).map(i -> i % 5).toArray());
    }

    /** What one step with both region losses gives before the update. */
    record Step(double loss, double[] attacked, Map<String, double[]> gradients) {

        static Step on(Attack attack, int rows, Device... devices) {
            try (NDManager manager = NDManager.newBaseManager(devices[0])) {
                VisionTransformer vit = TinyNetworks.reMoEVit(manager);
                Block block = devices.length == 1 ? vit : parallel(vit, devices);
                NDArray images = images(manager, rows);
                NDArray labels = labels(manager, rows);
                TrainingScheme scheme = new Sat(attack, new RegionLosses(true, 0.5f, 1));
                NDList inputs;
                try (TargetModel model = new TargetModel(block, manager)) {
                    inputs = scheme.inputs(model, images, labels, new long[rows]);
                }
                ParameterStore store = new ParameterStore(manager, false);
                NDArray loss;
                try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
                    NDList outputs = new NDList();
                    for (NDArray input : inputs) {
                        outputs.addAll(block.forward(store, new NDList(input), true));
                    }
                    loss = scheme.getLoss().evaluate(new NDList(labels), outputs);
                    collector.backward(loss);
                }
                Map<String, double[]> gradients = new LinkedHashMap<>();
                for (Pair<String, Parameter> parameter : block.getParameters()) {
                    gradients.put(
                            parameter.getKey(),
                            Tensors.doubles(parameter.getValue().getArray().getGradient()));
                }
                return new Step(loss.getFloat(), Tensors.doubles(inputs.get(1)), gradients);
            }
        }

        void assertCloseTo(Step expected, double tolerance) {
            assertThat(loss).isCloseTo(expected.loss, within(tolerance * expected.loss));
            assertThat(gradients.keySet()).containsExactlyElementsOf(expected.gradients.keySet());
            gradients.forEach((name, gradient) -> {
                double[] other = expected.gradients.get(name);
                double largest = Arrays.stream(other).map(Math::abs).max().orElseThrow();
                assertThat(gradient)
                        .as(name)
                        .containsExactly(other, within(tolerance * largest + 1e-9));
            });
            assertThat(gradients.values())
                    .allSatisfy(gradient -> assertThat(gradient).doesNotContain(Double.NaN));
        }
    }

    @ParameterizedTest
    @CsvSource({"12, 2", "12, 3", "7, 2", "9, 4"})
    void theGradientIsThatOfTheWholeBatch(int rows, int devices) {
        Step whole = Step.on(PGD_2, rows, Device.cpu());
        Step split = Step.on(PGD_2, rows, cpus(devices));

        assertThat(split.attacked).containsExactly(whole.attacked);
        split.assertCloseTo(whole, 2e-5);
        assertThat(whole.gradients.values().stream().flatMapToDouble(Arrays::stream))
                .anyMatch(value -> Math.abs(value) > 1e-3);
    }

    @Test
    void aTrainingStepEndsWithTheParametersOfOneDevice() {
        Map<String, double[]> one = trained(TinyNetworks.reMoEVit());
        Map<String, double[]> two = trained(parallel(TinyNetworks.reMoEVit(), cpus(2)));

        assertThat(two.keySet()).containsExactlyElementsOf(one.keySet());
        two.forEach((name, values) ->
                assertThat(values).as(name).containsExactly(one.get(name), within(2e-6)));
    }

    private static Map<String, double[]> trained(Block block) {
        TrainingScheme scheme = new Sat(PGD_2, new RegionLosses(true, 0.5f, 1));
        int rows = 10;
        try (TinyTraining training = new TinyTraining(block, scheme, 0.05f)) {
            for (int i = 0; i < 3; i++) {
                NDManager manager = training.trainer.getManager().newSubManager();
                try (Batch batch = new Batch(
                        manager,
                        new NDList(images(manager, rows)),
                        new NDList(labels(manager, rows)),
                        rows,
                        Batchifier.STACK,
                        Batchifier.STACK,
                        0,
                        1,
                        IntStream.range(0, rows).boxed().toList())) {
                    training.loop.trainBatch(batch);
                }
            }
            return training.parameters();
        }
    }

    /** Heads that fill whole vectors: rows in groups of 4 are rounded alike wherever they are. */
    @Test
    void outputsAreThoseOfOneDeviceToTheLastBit() {
        VisionTransformer vit = VisionTransformer.builder()
                .optImageSize(8)
                .optPatchSize(2)
                .optEmbedDim(32)
                .optNumHeads(2)
                .optDepth(2)
                .optNumClasses(5)
                .build();
        ReMoE.builder().optLayers(1).build().insertInto(vit);
        TinyNetworks.startByName(vit);
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
        NDArray images = images(manager, 12);

        NDList one = Tensors.forward(vit, images);
        NDList three = Tensors.forward(parallel(vit, cpus(3)), images);

        assertThat(three).hasSameSizeAs(one).hasSize(2);
        for (int i = 0; i < one.size(); i++) {
            assertThat(Tensors.doubles(three.get(i))).containsExactly(Tensors.doubles(one.get(i)));
        }
    }

    @Test
    void outputsKeepTheirNames() {
        Block named = new Scale() {
            @Override
            NDArray outputs(NDArray input, NDArray factor) {
                NDArray output = input.mul(factor);
                output.setName(input.getName() + "_scaled");
                return output;
            }
        };
        NDArray input = manager.ones(new Shape(8, 1));
        input.setName("pixels");

        assertThat(Tensors.forward(initialized(named, cpus(2)), input).get("pixels_scaled"))
                .isNotNull();
    }

    @ParameterizedTest
    @CsvSource({
        "1, 2, '0, 1'",
        "4, 2, '0, 4'",
        "7, 2, '0, 4, 7'",
        "8, 3, '0, 4, 8'",
        "12, 3, '0, 4, 8, 12'",
        "13, 3, '0, 8, 12, 13'",
        "128, 3, '0, 44, 88, 128'",
        "0, 2, '0, 0'",
        "9, 1, '0, 9'",
    })
    void partsAreGroupsOfFourRows(long rows, int devices, String starts) {
        long[] expected =
                Arrays.stream(starts.split(", ")).mapToLong(Long::parseLong).toArray();

        assertThat(parallel(new Scale(), cpus(devices)).starts(rows)).containsExactly(expected);
    }

    /** y = factor x, one factor for all rows. */
    private static class Scale extends AbstractBlock {

        private final Parameter factor;

        Scale() {
            super((byte) 1);
            factor = addParameter(Parameter.builder()
                    .setName("factor")
                    .setType(Parameter.Type.WEIGHT)
                    .optShape(new Shape(1))
                    .build());
            Tensors.start(factor, 3);
        }

        @Override
        protected NDList forwardInternal(
                ParameterStore store,
                NDList inputs,
                boolean training,
                PairList<String, Object> params) {
            NDArray input = inputs.head();
            return new NDList(outputs(input, store.getValue(factor, input.getDevice(), training)));
        }

        NDArray outputs(NDArray input, NDArray factor) {
            return input.mul(factor);
        }

        @Override
        public Shape[] getOutputShapes(Shape[] inputShapes) {
            return inputShapes;
        }
    }

    private static boolean onFurtherDevice() {
        return Thread.currentThread().getName().equals("data-parallel");
    }

    private DataParallel initialized(Block block, Device... devices) {
        block.initialize(manager, DataType.FLOAT32, new Shape(8, 1));
        return parallel(block, devices);
    }

    private DataParallel scale(BiFunction<NDArray, NDArray, NDArray> outputs) {
        return initialized(
                new Scale() {
                    @Override
                    NDArray outputs(NDArray input, NDArray factor) {
                        return outputs.apply(input, factor);
                    }
                },
                cpus(2));
    }

    @Test
    void furtherDevicesHaveCopiesWhoseGradientsReachTheParameters() {
        DataParallel block = scale((input, factor) -> {
            if (onFurtherDevice()) {
                factor.stopGradient().muli(10);
            }
            return input.mul(factor);
        });
        NDArray input = manager.arange(1f, 9f).reshape(8, 1);
        input.setRequiresGradient(true);
        NDArray factor = block.getParameters().valueAt(0).getArray();

        NDArray[] output = new NDArray[1];
        Tensors.backward(() -> {
            output[0] = Tensors.forward(block, input).singletonOrThrow();
            return output[0].sum();
        });

        assertThat(output[0].toFloatArray()).containsExactly(3, 6, 9, 12, 150, 180, 210, 240);
        assertThat(input.getGradient().toFloatArray()).containsExactly(3, 3, 3, 3, 30, 30, 30, 30);
        assertThat(factor.getGradient().getFloat()).isEqualTo(36);
        assertThat(factor.getFloat()).isEqualTo(3);
    }

    @Test
    void frozenParametersStayWithoutGradient() {
        DataParallel block = scale(NDArray::mul);
        block.freezeParameters(true);
        NDArray input = manager.ones(new Shape(8, 1));
        input.setRequiresGradient(true);

        Tensors.backward(() -> Tensors.forward(block, input).head().sum());

        assertThat(input.getGradient().toFloatArray()).containsOnly(3);
        assertThat(block.getParameters().valueAt(0).getArray().hasGradient()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void aPassLeavesOnlyItsOutputsAndOneViewOpen(int devices) {
        VisionTransformer vit = TinyNetworks.reMoEVit(manager);
        int atStart = manager.getManagedArrays().size();
        int one = leftOpen(vit);

        assertThat(leftOpen(parallel(vit, cpus(devices)))).isLessThanOrEqualTo(one + 1);
        assertThat(manager.getManagedArrays()).hasSize(atStart);
    }

    private int leftOpen(Block block) {
        try (NDManager batch = manager.newSubManager()) {
            NDArray images = images(batch, 12);
            int before = batch.getManagedArrays().size();
            NDList outputs = Tensors.forward(block, images);
            assertThat(outputs).allMatch(output -> output.getManager() == batch);
            return batch.getManagedArrays().size() - before;
        }
    }

    @Test
    void filesAndNamesAreThoseOfTheBlock() throws Exception {
        VisionTransformer vit = TinyNetworks.reMoEVit(manager);
        DataParallel block = parallel(vit, cpus(2));

        assertThat(saved(block)).isEqualTo(saved(vit));
        assertThat(block.getParameters().keys()).isEqualTo(vit.getParameters().keys());
        assertThat(block.getBlock()).isSameAs(vit);

        VisionTransformer other = TinyNetworks.reMoEVit();
        parallel(other, cpus(2))
                .loadParameters(
                        manager, new DataInputStream(new ByteArrayInputStream(saved(block))));
        assertThat(saved(other)).isEqualTo(saved(vit));
    }

    private static byte[] saved(Block block) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        block.saveParameters(new DataOutputStream(bytes));
        return bytes.toByteArray();
    }

    @Test
    void aTrainingPassInitialisesTheBlock() {
        DataParallel block = parallel(new Scale(), cpus(2));
        NDArray input = manager.ones(new Shape(8, 1));

        NDList outputs = block.forward(new ParameterStore(manager, false), new NDList(input), true);

        assertThat(outputs.head().toFloatArray()).containsOnly(3);
    }

    @Test
    void aFailureNamesTheRowsAndTheDevice() {
        DataParallel block = scale((input, factor) -> {
            if (onFurtherDevice()) {
                throw new UnsupportedOperationException("no more memory");
            }
            return input.mul(factor);
        });

        assertThatIllegalStateException()
                .isThrownBy(() -> Tensors.forward(block, manager.ones(new Shape(6, 1))))
                .withMessage("Rows 4 to 5 of the batch failed on cpu(): no more memory")
                .withCauseInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void aFailureOnTheFirstDeviceWaitsForTheOthers() {
        boolean[] finished = new boolean[1];
        DataParallel block = scale((input, factor) -> {
            if (!onFurtherDevice()) {
                throw new UnsupportedOperationException("no more memory");
            }
            NDArray output = input.mul(factor);
            finished[0] = true;
            return output;
        });

        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> Tensors.forward(block, manager.ones(new Shape(6, 1))));
        assertThat(finished[0]).isTrue();
    }

    @Test
    void outputsOfOtherRowsAreRefused() {
        DataParallel block = scale((input, factor) -> input.mul(factor).sum());

        assertThatIllegalStateException()
                .isThrownBy(() -> Tensors.forward(block, manager.ones(new Shape(8, 1))))
                .withMessage("The first dimension of every output must be the batch, but for 4 rows"
                        + " the outputs are [()]. Use one device.");
    }

    @Test
    void inputsOfDifferentRowsAreRefused() {
        DataParallel block = scale(NDArray::mul);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tensors.forward(
                        block, manager.ones(new Shape(8, 1)), manager.ones(new Shape(4, 1))))
                .withMessageContaining("[(8, 1), (4, 1)]");
    }

    @Test
    void inputsElsewhereAreRefused() {
        DataParallel block = initialized(new Scale(), Device.gpu(0), Device.gpu(1));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tensors.forward(block, manager.ones(new Shape(8, 1))))
                .withMessage("An input is on cpu(), but batches are split from gpu(0). Move it with"
                        + " toDevice(...).");
    }

    @Test
    void scriptsAndNoDevicesAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> parallel(SymbolBlock.newInstance(manager), cpus(2)))
                .withMessageContaining("keeps its parameters to itself");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> parallel(new Scale()))
                .withMessageContaining("No device");
    }
}
