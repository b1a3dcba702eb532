package io.github.remoe.moe;

import static io.github.remoe.Tensors.doubles;
import static io.github.remoe.Tensors.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.transformer.PointwiseFeedForwardBlock;

import io.github.remoe.Golden;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

class ReMoEBlockSaveTest {

    private static final RegionGrid GRID = new RegionGrid(4, 4, 2, 2);

    private NDManager manager;
    private NDArray tokens;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        tokens = Golden.tensor(manager, DataType.FLOAT32, "x", 2, 17, 6);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static ReMoEBlock.Builder builder() {
        return ReMoEBlock.builder()
                .setGrid(GRID)
                .optPrefixTokens(1)
                .optGate(GateType.MLP)
                .optGlobalExpert(new PointwiseFeedForwardBlock(List.of(24), 6, Activation::gelu));
    }

    private ReMoEBlock random() {
        ReMoEBlock block = builder().build();
        block.getParameters()
                .forEach(p -> p.getValue().setInitializer(Golden.initializer(p.getKey(), -1, 1)));
        block.initialize(manager, DataType.FLOAT32, tokens.getShape());
        return block;
    }

    private static byte[] save(Block block) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        block.saveParameters(new DataOutputStream(bytes));
        return bytes.toByteArray();
    }

    private void load(Block block, byte[] bytes) throws IOException, MalformedModelException {
        block.loadParameters(manager, new DataInputStream(new ByteArrayInputStream(bytes)));
    }

    @Test
    void parametersComeBackBitForBit() throws Exception {
        ReMoEBlock saved = random();
        ReMoEBlock loaded = builder().build();

        load(loaded, save(saved));

        assertThat(doubles(forward(loaded, tokens).get(0)))
                .isEqualTo(doubles(forward(saved, tokens).get(0)));
        assertThat(doubles(forward(loaded, tokens).get(1)))
                .isEqualTo(doubles(forward(saved, tokens).get(1)));
    }

    @Test
    void aModelSavesAndLoadsTheBlock(@TempDir Path folder) throws Exception {
        ReMoEBlock saved = random();
        try (Model model = Model.newInstance("remoe")) {
            model.setBlock(saved);
            model.save(folder, "remoe");
        }

        try (Model model = Model.newInstance("remoe")) {
            model.setBlock(builder().build());
            model.load(folder, "remoe");

            assertThat(folder.resolve("remoe-0000.params")).isNotEmptyFile();
            assertThat(doubles(forward(model.getBlock(), tokens).head()))
                    .isEqualTo(doubles(forward(saved, tokens).head()));
        }
    }

    @Test
    void anotherGridIsToldApartEvenWithAsManyRegions() throws Exception {
        byte[] bytes = save(random());
        ReMoEBlock other = builder().setGrid(new RegionGrid(4, 4, 1, 4)).build();

        assertThatThrownBy(() -> load(other, bytes))
                .isInstanceOf(MalformedModelException.class)
                .hasMessage(
                        "The parameters were saved from a ReMoE block with 2 x 2 regions over 4 x 4"
                                + " patches after 1 prefix tokens, MlpGate, experts: global center"
                                + " regional, but this one has 1 x 4 regions over 4 x 4 patches after 1"
                                + " prefix tokens, MlpGate, experts: global center regional. Build the"
                                + " block as it was when it was saved.");
    }

    @Test
    void anotherCenterIsToldApart() throws Exception {
        byte[] bytes = save(random());
        ReMoEBlock wide = builder().setGrid(new RegionGrid(4, 4, 2, 2, 0.75f)).build();

        assertThatThrownBy(() -> load(wide, bytes))
                .isInstanceOf(MalformedModelException.class)
                .hasMessageContaining("experts: global center of 3 x 3 patches regional");
        // Of 4 patches 0.4 are 2, as is half.
        load(builder().setGrid(new RegionGrid(4, 4, 2, 2, 0.4f)).build(), bytes);
    }

    @Test
    void anotherGateAndOtherExpertsAreToldApart() throws Exception {
        byte[] bytes = save(random());

        assertThatThrownBy(() -> load(builder().optGate(GateType.AEA).build(), bytes))
                .isInstanceOf(MalformedModelException.class)
                .hasMessageContaining("AeaGate, experts");
        assertThatThrownBy(() -> load(builder().optCenterExpert(false).build(), bytes))
                .isInstanceOf(MalformedModelException.class)
                .hasMessageContaining("this one has 2 x 2 regions")
                .hasMessageContaining("experts: global regional.");
    }
}
