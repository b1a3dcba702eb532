package io.github.remoe.nn;

import static io.github.remoe.Tensors.doubles;
import static io.github.remoe.Tensors.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;
import java.util.function.Supplier;

class LinearTest {

    private static final int IN = 300;
    private static final int OUT = 40;

    private NDManager manager;
    private NDArray weight;
    private NDArray bias;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        weight = tensor("weight", OUT, IN);
        bias = tensor("bias", OUT);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private NDArray tensor(String name, long... shape) {
        return Golden.tensor(manager, DataType.FLOAT32, name, shape);
    }

    @Test
    void theProductByHand() {
        NDArray input = manager.create(new float[] {1, 2, 3, 4}, new Shape(1, 2, 2));
        NDArray two = manager.create(new float[] {1, 1, 0, -1, 2, 0.5f}, new Shape(3, 2));
        NDArray offset = manager.create(new float[] {0, 10, 100});

        NDArray output = Linear.affine(input, two, offset);

        assertThat(output.getShape()).isEqualTo(new Shape(1, 2, 3));
        assertThat(output.toFloatArray()).containsExactly(3, 8, 103, 7, 6, 108);
    }

    // 300 numbers a token: more than 68 tokens go to oneDNN, and those of four images and more from
    // 7 each. If their number has no divisor up to 13, they go as one image.
    @ParameterizedTest
    @CsvSource({"4, 9", "3, 9", "3, 29", "1, 71", "1, 70", "1, 67", "1, 9", "4, 2"})
    void valuesAndGradientsAreThoseOfDjlsLinear(int batch, int tokens) {
        NDArray input = tensor("input", batch, tokens, IN);
        NDArray cotangent = tensor("cotangent", batch, tokens, OUT);
        List<NDArray> operands = List.of(input, weight, bias);

        List<double[]> ours =
                gradients(operands, () -> Linear.affine(input, weight, bias), cotangent);
        List<double[]> djls = gradients(
                operands,
                () -> ai.djl.nn.core.Linear.linear(input, weight, bias).singletonOrThrow(),
                cotangent);

        for (int i = 0; i < djls.size(); i++) {
            assertThat(ours.get(i)).containsExactly(djls.get(i), within(2e-5));
        }
    }

    /** The values, then the gradient of each operand. */
    private static List<double[]> gradients(
            List<NDArray> operands, Supplier<NDArray> function, NDArray cotangent) {
        operands.forEach(operand -> operand.setRequiresGradient(true));
        operands.forEach(operand -> operand.getGradient().subi(operand.getGradient()));
        double[] values = doubles(function.get());
        Tensors.backward(() -> function.get().mul(cotangent).sum());
        return List.of(
                values,
                doubles(operands.get(0).getGradient()),
                doubles(operands.get(1).getGradient()),
                doubles(operands.get(2).getGradient()));
    }

    @ParameterizedTest
    @CsvSource({"9", "2"})
    void anImagesValuesDoNotDependOnItsBatch(int tokens) {
        NDArray input = tensor("input", 64, tokens, IN);

        NDArray all = Linear.affine(input, weight, bias);

        for (String rows : List.of("0:4", "8:20", "60:64")) {
            assertThat(Linear.affine(input.get(rows), weight, bias).toFloatArray())
                    .containsExactly(all.get(rows).toFloatArray());
        }
    }

    @Test
    void theBlockIsDjlsToItsUsers() {
        Linear block = new Linear(OUT);
        block.getParameters()
                .forEach(p -> p.getValue().setInitializer(Golden.initializer(p.getKey(), -1, 1)));
        block.initialize(manager, DataType.FLOAT32, new Shape(2, 9, IN));
        NDArray input = tensor("input", 2, 9, IN);

        assertThat(block.getParameters().keys()).containsExactly("weight", "bias");
        assertThat(block.getOutputShapes(new Shape[] {input.getShape()}))
                .containsExactly(new Shape(2, 9, OUT));
        assertThat(doubles(forward(block, input).head()))
                .isEqualTo(doubles(Linear.affine(
                        input,
                        block.getParameters().get("weight").getArray(),
                        block.getParameters().get("bias").getArray())));
    }
}
