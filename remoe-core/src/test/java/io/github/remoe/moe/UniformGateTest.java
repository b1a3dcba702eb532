package io.github.remoe.moe;

import static io.github.remoe.Tensors.doubles;
import static io.github.remoe.Tensors.forward;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Golden;

import org.junit.jupiter.api.Test;

class UniformGateTest {

    @Test
    void everyRegionWeighsExactlyOne() {
        try (NDManager manager = NDManager.newBaseManager()) {
            UniformGate gate = new UniformGate(new RegionGrid(3, 3, 3, 1));
            NDArray tokens = Golden.tensor(manager, DataType.FLOAT64, "x", 2, 10, 4);

            NDArray weights = forward(gate, tokens).head();

            assertThat(weights.getShape()).isEqualTo(new Shape(2, 3));
            assertThat(weights.getDataType()).isEqualTo(DataType.FLOAT64);
            assertThat(doubles(weights)).containsOnly(1);
            assertThat(gate.getParameters()).isEmpty();
        }
    }
}
