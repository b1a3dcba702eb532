package io.github.remoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

import org.junit.jupiter.api.Test;

import java.util.Arrays;

class RandomCropFlipTest {

    // 1 2 3
    // 4 5 6      and the same plus 10 and 20 in the other two planes
    private static final byte[] IMAGE = image(1, 2, 3, 4, 5, 6);

    @Test
    void cropMovesTheWindowAndFillsWithZeros() {
        assertThat(cropFlip(0, 0, false)).isEqualTo(IMAGE);
        assertThat(cropFlip(1, 0, false)).isEqualTo(image(4, 5, 6, 0, 0, 0));
        assertThat(cropFlip(-1, 0, false)).isEqualTo(image(0, 0, 0, 1, 2, 3));
        assertThat(cropFlip(0, 2, false)).isEqualTo(image(3, 0, 0, 6, 0, 0));
        assertThat(cropFlip(1, -1, false)).isEqualTo(image(0, 4, 5, 0, 0, 0));
        assertThat(cropFlip(2, 0, false)).isEqualTo(image(0, 0, 0, 0, 0, 0));
    }

    @Test
    void flipMirrorsTheCrop() {
        assertThat(cropFlip(0, 0, true)).isEqualTo(image(3, 2, 1, 6, 5, 4));
        assertThat(cropFlip(0, 1, true)).isEqualTo(image(0, 3, 2, 0, 6, 5));
        assertThat(cropFlip(-1, -1, true)).isEqualTo(image(0, 0, 0, 2, 1, 0));
    }

    @Property(tries = 200)
    void cropAgreesWithItsDefinition(
            @ForAll @IntRange(min = -4, max = 4) int down,
            @ForAll @IntRange(min = -4, max = 4) int right,
            @ForAll boolean flip) {
        byte[] result = cropFlip(down, right, flip);
        for (int i = 0; i < result.length; i++) {
            int y = i % 6 / 3 + down;
            int x = (flip ? 2 - i % 3 : i % 3) + right;
            boolean inside = y >= 0 && y < 2 && x >= 0 && x < 3;
            assertThat(result[i]).isEqualTo(inside ? IMAGE[i / 6 * 6 + y * 3 + x] : 0);
        }
    }

    @Test
    void drawsAllShiftsAndBothSidesEquallyOften() {
        RandomCropFlip augmentation =
                RandomCropFlip.builder().optPadding(1).optSeed(3).build();
        // The images have nine places and two sides each: 18 outcomes, told apart by these bytes.
        int[] counts = new int[1 << 20];
        byte[] target = new byte[18];
        byte[] source = image(1, 2, 3, 4, 5, 6);
        for (int i = 0; i < 18000; i++) {
            augmentation.apply(source, target, 2, 3, i % 7, i);
            counts[Arrays.hashCode(target) & 0xFFFFF]++;
        }
        assertThat(Arrays.stream(counts).filter(count -> count > 0).boxed())
                .hasSize(18)
                .allMatch(count -> count > 850 && count < 1150);
    }

    @Test
    void sameSeedEpochAndIndexGiveTheSameImage() {
        byte[] once = new byte[18];
        byte[] again = new byte[18];
        int changed = 0;
        for (int index = 0; index < 50; index++) {
            RandomCropFlip.builder().optSeed(5).build().apply(IMAGE, once, 2, 3, 2, index);
            RandomCropFlip.builder().optSeed(5).build().apply(IMAGE, again, 2, 3, 2, index);
            assertThat(again).isEqualTo(once);
            RandomCropFlip.builder().optSeed(6).build().apply(IMAGE, again, 2, 3, 2, index);
            changed += Arrays.equals(once, again) ? 0 : 1;
        }
        assertThat(changed).isPositive();
    }

    @Test
    void canBeSwitchedOff() {
        byte[] target = new byte[18];
        RandomCropFlip none =
                RandomCropFlip.builder().optPadding(0).optFlipProbability(0).build();
        for (int index = 0; index < 20; index++) {
            none.apply(IMAGE, target, 2, 3, 0, index);
            assertThat(target).isEqualTo(IMAGE);
        }
        assertThatThrownBy(() -> RandomCropFlip.builder().optPadding(-1))
                .hasMessageContaining("was -1");
        assertThatThrownBy(() -> RandomCropFlip.builder().optFlipProbability(Double.NaN))
                .hasMessageContaining("was NaN");
    }

    private static byte[] cropFlip(int down, int right, boolean flip) {
        byte[] target = new byte[18];
        Arrays.fill(target, (byte) 77);
        RandomCropFlip.cropFlip(IMAGE, target, 2, 3, down, right, flip);
        return target;
    }

    /** Three planes of 2 x 3: the values, and where they are not zero plus 10 and plus 20. */
    private static byte[] image(int... plane) {
        byte[] image = new byte[18];
        for (int i = 0; i < 18; i++) {
            image[i] = (byte) (plane[i % 6] == 0 ? 0 : plane[i % 6] + 10 * (i / 6));
        }
        return image;
    }
}
