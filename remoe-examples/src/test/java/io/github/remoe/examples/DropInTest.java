package io.github.remoe.examples;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.engine.Engine;

import org.junit.jupiter.api.Test;

class DropInTest {

    @Test
    void aNetworkOfOnesOwnLearnsWithTheBlock() throws Exception {
        Engine.getInstance().setRandomSeed(0);
        // Ten classes: chance is 0.1.
        assertThat(DropIn.train(2000, 4)).isGreaterThan(0.25f);
    }
}
