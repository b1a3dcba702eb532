package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Golden;
import io.github.remoe.ReMoE;
import io.github.remoe.Tensors;
import io.github.remoe.moe.RegionGrid;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.Set;
import java.util.TreeSet;

class RegionPgdTest {

    private static final RegionGrid GRID = new RegionGrid(4, 4, 2, 2);

    private NDManager manager;
    private VisionTransformer vit;
    private TargetModel model;
    private NDArray images;
    private NDArray labels;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        vit = TinyNetworks.plainVit();
        ReMoE.builder().optLayers(1, 2).build().insertInto(vit);
        TinyNetworks.startByName(vit);
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
        model = new TargetModel(vit, manager);
        images = Golden.initializer("image", 0, 1)
                .initialize(manager, new Shape(6, 3, 8, 8), DataType.FLOAT32);
        labels = model.predict(images).head().argMax(1);
    }

    @AfterEach
    void close() {
        model.close();
        manager.close();
    }

    private static ThreatModel threat(Norm norm) {
        return new ThreatModel(norm, norm == Norm.LINF ? 8 / 255f : 0.5f, 0, 1);
    }

    /** The regions, of 4 x 4 pixels each, in which an image has changed. */
    private Set<Integer> changed(NDArray adversarial, int image) {
        double[] change =
                Tensors.doubles(adversarial.sub(images).get(image).abs().sum(new int[] {0}));
        Set<Integer> regions = new TreeSet<>();
        for (int i = 0; i < change.length; i++) {
            if (change[i] != 0) {
                regions.add(i / 8 / 4 * 2 + i % 8 / 4);
            }
        }
        return regions;
    }

    private static int extreme(double[] weights, boolean highest) {
        int extreme = 0;
        for (int k = 1; k < weights.length; k++) {
            if (highest ? weights[k] > weights[extreme] : weights[k] < weights[extreme]) {
                extreme = k;
            }
        }
        return extreme;
    }

    @ParameterizedTest
    @CsvSource({"LINF, true, 0", "L2, true, 0", "LINF, false, 0", "L2, true, 1", "LINF, false, 2"})
    void theRegionOfTheHighestOrLowestWeightAloneChanges(Norm norm, boolean highest, int layer) {
        Attack attack = RegionPgd.builder(threat(norm), vit)
                .optHighest(highest)
                .optLayer(layer)
                .build();

        NDArray adversarial = attack.perturb(model, images, labels, 1);

        NDArray first = model.predict(images).get(1);
        NDArray second = model.predict(images).get(2);
        NDArray counted = layer == 0 ? first.add(second) : layer == 1 ? first : second;
        Set<Integer> seen = new TreeSet<>();
        for (int i = 0; i < 6; i++) {
            int expected = extreme(Tensors.doubles(counted.get(i)), highest);
            assertThat(changed(adversarial, i)).containsExactly(expected);
            seen.add(expected);
        }
        // Images differ in where it is, or the test would prove little.
        assertThat(seen).hasSizeGreaterThan(1);
        ThreatModel threat = threat(norm);
        for (double distance : Tensors.doubles(threat.distance(adversarial, images))) {
            assertThat(distance).isBetween(threat.epsilon() / 2.0, threat.epsilon() + 1e-6);
        }
    }

    @Test
    void severalRegionsShareTheBudget() {
        Attack attack = RegionPgd.builder(threat(Norm.L2), vit)
                .optRegions(3)
                .optHighest(false)
                .build();

        NDArray adversarial = attack.perturb(model, images, labels, 1);

        NDArray weights = model.predict(images).get(1).add(model.predict(images).get(2));
        for (int i = 0; i < 6; i++) {
            int spared = extreme(Tensors.doubles(weights.get(i)), true);
            assertThat(changed(adversarial, i)).hasSize(3).doesNotContain(spared);
        }
    }

    @ParameterizedTest
    @EnumSource
    void withAllRegionsItIsPgd(Norm norm) {
        Attack attack = RegionPgd.builder(threat(norm), GRID, 2).optRegions(4).build();
        Attack pgd = Pgd.builder(threat(norm)).build();

        double[] expected = Tensors.doubles(pgd.perturb(model, images, labels, 1));
        assertThat(Tensors.doubles(attack.perturb(model, images, labels, 1)))
                .containsExactly(expected, within(1e-5));
    }

    @Test
    void anImagesResultDoesNotDependOnItsBatch() {
        Attack attack = RegionPgd.builder(threat(Norm.LINF), vit).build();
        NDArray all = attack.perturb(model, images, labels, new long[] {1, 2, 3, 4, 5, 6});

        NDIndex fifth = new NDIndex("4:5");
        NDArray alone = attack.perturb(model, images.get(fifth), labels.get(fifth), new long[] {5});

        assertThat(alone.toByteArray()).isEqualTo(all.get(fifth).toByteArray());
    }

    @Test
    void theResultIsAllThatStaysOpen() {
        Attack attack = RegionPgd.builder(threat(Norm.L2), vit).build();
        attack.perturb(model, images, labels, new long[6]).close();
        int held = manager.getManagedArrays().size();

        attack.perturb(model, images, labels, new long[6]);

        assertThat(manager.getManagedArrays()).hasSize(held + 1);
    }

    @Test
    void gridAndPatchSizeComeFromTheNetwork() {
        RegionPgd attack = RegionPgd.builder(threat(Norm.LINF), vit).build();

        assertThat(attack)
                .isEqualTo(RegionPgd.builder(threat(Norm.LINF), GRID, 2).build())
                .hasToString("RegionPgd[threatModel=" + threat(Norm.LINF) + ", loss=cross-entropy"
                        + ", stepSize=" + 2 / 255f + ", steps=10, grid=" + GRID
                        + ", patchSize=2, regions=1, highest=true, layer=0]");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RegionPgd.builder(threat(Norm.LINF), TinyNetworks.plainVit()))
                .withMessageContaining("the network has 0");
    }

    @Test
    void blocksOfTwoGridsAreRefused() {
        VisionTransformer two = TinyNetworks.plainVit();
        ReMoE.builder().optLayers(1).build().insertInto(two);
        ReMoE.builder().optLayers(2).optRegions(1, 2).build().insertInto(two);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> RegionPgd.builder(threat(Norm.LINF), two))
                .withMessageContaining("the network has 2")
                .withMessageContaining("layer");
    }

    @ParameterizedTest
    @CsvSource({
        "2, 0, 0, 'takes 1 to 4 regions of this grid, got 0'",
        "2, 5, 0, 'takes 1 to 4 regions of this grid, got 5'",
        "0, 1, 0, 'patch size'",
        "2, 1, -1, 'counted from 1'",
    })
    void settingsOutOfRangeAreNamed(int patchSize, int regions, int layer, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RegionPgd.builder(threat(Norm.LINF), GRID, patchSize)
                        .optRegions(regions)
                        .optLayer(layer)
                        .build())
                .withMessageContaining(message);
    }

    @Test
    void whatDoesNotFitTheModelIsRefused() {
        refuses(
                RegionPgd.builder(threat(Norm.LINF), GRID, 2).optLayer(3),
                "those of 2 ReMoE layers");
        refuses(
                RegionPgd.builder(threat(Norm.LINF), new RegionGrid(4, 4, 1, 2), 2),
                "weighs 4 regions, the attack's grid has 2");
        refuses(RegionPgd.builder(threat(Norm.LINF), GRID, 4), "images of 16 x 16");
        model = new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
        refuses(RegionPgd.builder(threat(Norm.LINF), GRID, 2), "those of 0 ReMoE layers");
    }

    private void refuses(RegionPgd.Builder attack, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> attack.build().perturb(model, images, labels, 1))
                .withMessageContaining(message);
    }
}
