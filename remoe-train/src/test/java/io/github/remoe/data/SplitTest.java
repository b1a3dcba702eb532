package io.github.remoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.BatchSampler;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.IntRange;

import org.junit.jupiter.api.Test;

import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/** Validation images held back from training: {@link Datasets#split}. */
class SplitTest {

    private static GradientDataset.Builder gradients(int size) {
        return GradientDataset.builder(size)
                .setSampling(new BatchSampler(new ShuffleSampler(1), 4, true));
    }

    private static Set<Long> indices(PixelDataset dataset) {
        return LongStream.range(0, dataset.size())
                .mapToObj(dataset::getIndex)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Property(tries = 100, shrinking = ShrinkingMode.OFF)
    void everyImageIsInOnePartAndClassesKeepTheirShares(
            @ForAll @IntRange(min = 5, max = 120) int size, @ForAll long seed) {
        int held = size / 3;
        Datasets.Split split = Datasets.split(gradients(size).build(), held, seed);
        assertThat(split.train().size()).isEqualTo(size - held);
        assertThat(split.validation().size()).isEqualTo(held);
        Set<Long> all = indices(split.train());
        all.addAll(indices(split.validation()));
        assertThat(all).hasSize(size);
        for (int label = 0; label < 4; label++) {
            int of = label;
            long images = (size - label + 3) / 4;
            long heldOfClass = indices(split.validation()).stream()
                    .filter(index -> index % 4 == of)
                    .count();
            assertThat((double) heldOfClass)
                    .isBetween(
                            held * images / (double) size - 1.01,
                            held * images / (double) size + 1.01);
        }
    }

    @Test
    void theChoiceFollowsTheSeedAndTheIndexAlone() {
        PixelDataset whole = gradients(80).build();
        Set<Long> held = indices(Datasets.split(whole, 20, 1).validation());
        assertThat(indices(Datasets.split(gradients(80).build(), 20, 1).validation()))
                .isEqualTo(held);
        assertThat(indices(Datasets.split(whole, 20, 2).validation())).isNotEqualTo(held);
        assertThat(indices(Datasets.split(whole, 30, 1).validation())).containsAll(held);

        PixelDataset reversed = whole.subDataset(
                LongStream.range(0, 40).map(i -> 79 - i).boxed().toList());
        assertThat(indices(Datasets.split(reversed, 20, 1).validation()))
                .isEqualTo(held.stream().filter(index -> index >= 40).collect(Collectors.toSet()));
        PixelDataset sample = Datasets.sample(whole, 50, 5);
        assertThat(indices(Datasets.split(sample, 20, 1).train()))
                .doesNotContainAnyElementsOf(held);
    }

    @Test
    void validationImagesComeInOrderAndUnchanged() throws Exception {
        Augmentation black = (source, target, height, width, epoch, index) -> {};
        Datasets.Split split =
                Datasets.split(gradients(30).optAugmentation(black).build(), 10, 1);
        try (NDManager manager = NDManager.newBaseManager()) {
            List<Long> seen = new ArrayList<>();
            for (Batch batch : split.validation().getData(manager)) {
                int[] pixels = TestImages.bytes(batch.getData().head());
                for (int row = 0; row < batch.getSize(); row++) {
                    assertThat((Long) batch.getIndices().get(row)).isEqualTo(pixels[18 * row]);
                }
                batch.getIndices().forEach(index -> seen.add((Long) index));
                batch.close();
            }
            assertThat(seen).containsExactlyElementsOf(indices(split.validation()));
            Batch batch = split.train().getData(manager).iterator().next();
            assertThat(TestImages.bytes(batch.getData().head())).containsOnly(0);
        }
    }

    @Test
    void anUnreadableValidationImageIsAnError() {
        PixelDataset whole = gradients(30).build();
        Long held =
                indices(Datasets.split(whole, 10, 1).validation()).iterator().next();
        PixelDataset broken = gradients(30).optBroken(held).optMaxUnreadable(5).build();
        try (NDManager manager = NDManager.newBaseManager()) {
            PixelDataset validation = Datasets.split(broken, 10, 1).validation();
            assertThatThrownBy(() -> validation.getData(manager).forEach(Batch::close))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessage("cannot read image " + held);
        }
    }

    @Test
    void partsMayNotBeEmpty() {
        for (int wrong : new int[] {0, -1, 30}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Datasets.split(gradients(30).build(), wrong, 1))
                    .withMessageContaining("at least 1 and less than the 30")
                    .withMessageContaining("got " + wrong);
        }
        PixelDataset one = gradients(30).build().subDataset(3, 4);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Datasets.split(one, 10, 1))
                .withMessageContaining("Of these 1 images");
    }
}
