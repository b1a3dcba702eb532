package io.github.remoe.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.core.Linear;

import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;

class ParameterChecksumTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private Block linear(double weight, long units) {
        Linear linear = Linear.builder().setUnits(units).optBias(false).build();
        double[] weights = {weight, 2};
        Tensors.start(linear.getDirectParameters().get("weight"), weights);
        linear.initialize(manager, DataType.FLOAT32, new Shape(1, 2 / units));
        return linear;
    }

    @Test
    void itIsTheHashOfNamesShapesAndBytes() throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update("weight float32 (1, 2)\n".getBytes(StandardCharsets.UTF_8));
        digest.update(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putFloat(1)
                .putFloat(2)
                .array());

        assertThat(ParameterChecksum.of(linear(1, 1)))
                .isEqualTo(HexFormat.of().formatHex(digest.digest()));
    }

    @Test
    void theLeastChangeOfANumberOrAShapeChangesIt() {
        String one = ParameterChecksum.of(linear(1, 1));

        assertThat(ParameterChecksum.of(linear(1, 1))).isEqualTo(one);
        assertThat(ParameterChecksum.of(linear(Math.nextUp(1f), 1))).isNotEqualTo(one);
        assertThat(ParameterChecksum.of(linear(1, 2))).isNotEqualTo(one);
    }

    @Test
    void aModelWithoutParametersNeedsAName() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ParameterChecksum.of(Blocks.identityBlock()))
                .withMessageContaining("no parameters");
    }
}
