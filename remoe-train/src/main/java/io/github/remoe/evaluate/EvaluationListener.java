package io.github.remoe.evaluate;

import io.github.remoe.attack.AutoAttack;
import io.github.remoe.attack.AutoAttackCheck;

import org.slf4j.LoggerFactory;

/** Is told how an evaluation goes on. */
public interface EvaluationListener {

    /**
     * An attack starts on images of the current batch.
     *
     * @param attack the attack's name
     * @param epsilon the radius, in pixel values
     * @param images how many images it is made on
     */
    default void onAttack(String attack, float epsilon, int images) {}

    /**
     * A member of an {@link AutoAttack} has been made on the current batch.
     *
     * @param member the member's name
     * @param images how many images it was made on
     * @param robust how many of them have withstood it
     */
    default void onMember(String member, int images, int robust) {}

    /**
     * Images have been judged. When an evaluation goes on, the first call tells of those that had
     * been judged before.
     *
     * @param images how many images were judged since the last call
     */
    default void onImagesJudged(int images) {}

    /**
     * A check of an {@link AutoAttack} strikes ({@link AutoAttackCheck}). The checks are made once: on
     * the first images before any verdict, and on all verdicts at the end. Unless overridden, warnings
     * are logged.
     *
     * @param attack the attack's name
     * @param epsilon the radius, in pixel values
     * @param warning what is wrong and what to do
     */
    default void onWarning(String attack, float epsilon, String warning) {
        LoggerFactory.getLogger(EvaluationListener.class)
                .warn("{} at epsilon {}: {}", attack, epsilon, warning);
    }
}
