package io.github.remoe.evaluate;

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
     * Images have been judged. When an evaluation goes on, the first call tells of those that had
     * been judged before.
     *
     * @param images how many images were judged since the last call
     */
    default void onImagesJudged(int images) {}
}
