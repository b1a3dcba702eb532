package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;

import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.List;

class GradientClippingTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private Parameter parameter(double... gradient) {
        Parameter parameter = Parameter.builder()
                .setName("w")
                .setType(Parameter.Type.OTHER)
                .optShape(new Shape(gradient.length))
                .build();
        Tensors.start(parameter, new double[gradient.length]);
        parameter.initialize(manager, DataType.FLOAT32);
        NDArray factors = Tensors.array(manager, new Shape(gradient.length), gradient);
        Tensors.backward(() -> parameter.getArray().mul(factors).sum());
        return parameter;
    }

    private static double[] gradient(Parameter parameter) {
        return Tensors.doubles(parameter.getArray().getGradient());
    }

    @Test
    void allGradientsAreScaledTogether() {
        // The norm of (3, 0, 4, 12) is 13.
        Parameter first = parameter(3, 0);
        Parameter second = parameter(4, 12);

        float norm = GradientClipping.clipGlobalNorm(List.of(first, second), 1);

        assertThat(norm).isEqualTo(13);
        assertThat(gradient(first)).containsExactly(new double[] {3 / 13.0, 0}, within(1e-6));
        assertThat(gradient(second))
                .containsExactly(new double[] {4 / 13.0, 12 / 13.0}, within(1e-6));
    }

    @Test
    void aSmallGradientIsLeftAlone() {
        Parameter parameter = parameter(3, 4);

        assertThat(GradientClipping.clipGlobalNorm(List.of(parameter), 5.1f)).isEqualTo(5);
        assertThat(gradient(parameter)).containsExactly(3, 4);
    }

    @Test
    void infinityOnlyMeasures() {
        Parameter parameter = parameter(300, 400);

        assertThat(GradientClipping.clipGlobalNorm(List.of(parameter), Float.POSITIVE_INFINITY))
                .isEqualTo(500);
        assertThat(gradient(parameter)).containsExactly(300, 400);
    }

    @Test
    void aGradientThatIsNotFiniteShows() {
        assertThat(GradientClipping.clipGlobalNorm(List.of(parameter(1, Double.NaN)), 1))
                .isNaN();
        assertThat(GradientClipping.clipGlobalNorm(
                        List.of(parameter(1), parameter(Double.POSITIVE_INFINITY)), 1))
                .isEqualTo(Float.POSITIVE_INFINITY);
    }

    @Test
    void frozenParametersDoNotCount() {
        Parameter frozen = parameter(100);
        frozen.freeze(true);

        assertThat(GradientClipping.clipGlobalNorm(List.of(frozen, parameter(3, 4)), 10))
                .isEqualTo(5);
    }
}
