package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RowsTest {

    private NDManager manager;
    private NDArray array;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        array = manager.create(new float[] {0, 1, 10, 11, 20, 21}, new Shape(3, 2));
    }

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void rowsAreSelectedInTheGivenOrder() {
        NDArray selected = Rows.select(array, new int[] {2, 0});

        assertThat(selected.getShape()).isEqualTo(new Shape(2, 2));
        assertThat(selected.toFloatArray()).containsExactly(20, 21, 0, 1);
        assertThat(Rows.select(array, new int[] {0, 1, 2})).isSameAs(array);
        assertThat(Rows.select(array, new int[] {1, 0, 2}).toFloatArray())
                .containsExactly(10, 11, 0, 1, 20, 21);
    }

    @Test
    void rowsAreReplacedAndTheArrayLeftAsItIs() {
        NDArray replacements = manager.create(new float[] {-1, -2, -3, -4}, new Shape(2, 2));

        assertThat(Rows.replace(array, new int[] {2, 0}, replacements).toFloatArray())
                .containsExactly(-3, -4, 10, 11, -1, -2);
        assertThat(array.toFloatArray()).containsExactly(0, 1, 10, 11, 20, 21);
        assertThat(Rows.replace(array, new int[0], null)).isSameAs(array);
    }

    @Test
    void rowsAreTakenFromOneOfTwo() {
        NDArray mask = manager.create(new boolean[] {true, false, true});

        assertThat(Rows.where(mask, array, array.neg()).toFloatArray())
                .containsExactly(0, 1, -10, -11, 20, 21);
        assertThat(Rows.of(mask)).containsExactly(0, 2);
        assertThat(Rows.of(mask.logicalNot())).containsExactly(1);
    }

    @Test
    void booleansAndSingleNumbersAreRowsToo() {
        NDArray flags = manager.create(new boolean[] {true, false, true});
        NDArray other = manager.create(new boolean[] {true});

        NDArray replaced = Rows.replace(flags, new int[] {1}, other);
        assertThat(replaced.getDataType()).isEqualTo(DataType.BOOLEAN);
        assertThat(replaced.toBooleanArray()).containsExactly(true, true, true);
        assertThat(Rows.select(flags, new int[] {1}).toBooleanArray()).containsExactly(false);
    }
}
