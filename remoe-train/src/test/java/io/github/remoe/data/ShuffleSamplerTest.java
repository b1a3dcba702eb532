package io.github.remoe.data;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.dataset.RandomAccessDataset;
import ai.djl.training.dataset.Sampler;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

class ShuffleSamplerTest {

    @Property(tries = 100)
    void everyPassVisitsEachImageOnce(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 300) int size) {
        PixelDataset dataset =
                GradientDataset.builder(size).setSampling(1, false).build();
        assertThat(order(new ShuffleSampler(seed), dataset))
                .containsExactlyInAnyOrderElementsOf(
                        LongStream.range(0, size).boxed().toList());
    }

    @Test
    void orderFollowsTheSeedAndTheEpochOfTheDataset() {
        PixelDataset dataset =
                GradientDataset.builder(100).setSampling(1, false).build();
        List<Long> first = order(new ShuffleSampler(1), dataset);
        assertThat(order(new ShuffleSampler(1), dataset)).isEqualTo(first);
        assertThat(order(new ShuffleSampler(2), dataset)).isNotEqualTo(first);
        dataset.setEpoch(1);
        assertThat(order(new ShuffleSampler(1), dataset)).isNotEqualTo(first);
    }

    @Test
    void otherDatasetsGetAFreshOrderForEachPass() {
        try (NDManager manager = NDManager.newBaseManager()) {
            ArrayDataset dataset = new ArrayDataset.Builder()
                    .setData(manager.arange(50f))
                    .setSampling(5, false)
                    .build();
            Sampler.SubSampler sampler = new ShuffleSampler(1);
            List<Long> first = order(sampler, dataset);
            assertThat(order(sampler, dataset)).isNotEqualTo(first);
            assertThat(order(new ShuffleSampler(1), dataset)).isEqualTo(first);
        }
    }

    private static List<Long> order(Sampler.SubSampler sampler, RandomAccessDataset dataset) {
        List<Long> order = new ArrayList<>();
        sampler.sample(dataset).forEachRemaining(order::add);
        return order;
    }
}
