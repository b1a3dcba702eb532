package io.github.remoe.examples;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DropInTest {

    @Test
    void aNetworkOfOnesOwnLearnsWithTheBlock() throws Exception {
        // Ten classes: chance is 0.1.
        assertThat(DropIn.train(1000, 3)).isGreaterThan(0.25f);
    }
}
