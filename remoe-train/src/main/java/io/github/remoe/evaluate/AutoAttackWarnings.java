package io.github.remoe.evaluate;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.AutoAttack;
import io.github.remoe.attack.AutoAttackCheck;
import io.github.remoe.attack.TargetModel;

import java.util.List;
import java.util.Map;

/** The checks of every AutoAttack in an evaluation, whose warnings go to a listener. */
final class AutoAttackWarnings {

    private final Map<String, List<Attack>> attacks;
    private final EvaluationListener listener;

    /**
     * Creates the checks.
     *
     * @param attacks all attacks by name, each for every epsilon
     * @param listener is told the warnings
     */
    AutoAttackWarnings(Map<String, List<Attack>> attacks, EvaluationListener listener) {
        this.attacks = attacks;
        this.listener = listener;
    }

    /** Tells whether there is no AutoAttack to check. */
    boolean isEmpty() {
        return attacks.values().stream()
                .flatMap(List::stream)
                .noneMatch(attack -> attack instanceof AutoAttack);
    }

    /** Makes the checks that come before the attacks. */
    void before(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            check((attack, epsilon, autoAttack) ->
                    AutoAttackCheck.before(autoAttack, model, images, labels, seeds));
        }
    }

    /** Makes the checks that come after them. */
    void after(Verdicts verdicts) {
        check((attack, epsilon, autoAttack) ->
                AutoAttackCheck.after(autoAttack, verdicts.brokenBy(attack, epsilon)));
    }

    private interface Check {
        Map<AutoAttackCheck, String> make(int attack, int epsilon, AutoAttack autoAttack);
    }

    private void check(Check check) {
        int attack = 0;
        for (Map.Entry<String, List<Attack>> entry : attacks.entrySet()) {
            for (int epsilon = 0; epsilon < entry.getValue().size(); epsilon++) {
                if (entry.getValue().get(epsilon) instanceof AutoAttack autoAttack) {
                    float radius = autoAttack.threatModel().epsilon();
                    check.make(attack, epsilon, autoAttack)
                            .values()
                            .forEach(text -> listener.onWarning(entry.getKey(), radius, text));
                }
            }
            attack++;
        }
    }
}
