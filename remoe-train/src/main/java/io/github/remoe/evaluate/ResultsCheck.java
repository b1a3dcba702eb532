package io.github.remoe.evaluate;

import io.github.remoe.attack.Norm;
import io.github.remoe.evaluate.EvaluationSettings.NamedAttack;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * Checks results that a file claims to hold: whoever reads them may then rely on each attack having an
 * accuracy at each epsilon, in order.
 */
final class ResultsCheck {

    private final Results results;

    private ResultsCheck(Results results) {
        this.results = results;
    }

    /**
     * Checks results.
     *
     * @param results the results
     * @throws IllegalArgumentException if something is missing or contradicts another part
     */
    static void check(Results results) {
        new ResultsCheck(results).check();
    }

    private void check() {
        present(results.robustbench(), "robustbench");
        present(results.model(), "model");
        present(results.model().checksum(), "model.checksum");
        present(results.timing(), "timing");
        all(results.warnings(), "warnings");
        checkDataset();
        checkThreat();
        checkAttacks();
        accuracy(results.clean(), "clean");
        if (results.clean().total() != results.dataset().images()) {
            throw wrong(
                    "clean is about %d images, dataset.images says %d",
                    results.clean().total(), results.dataset().images());
        }
        robust(results.robust(), "robust");
        worstCase(results.worstCase(), "worstCase");
        for (Results.MemberAccuracy after : all(results.robustAfterMember(), "robustAfterMember")) {
            present(after.attack(), "robustAfterMember.attack");
            present(after.member(), "robustAfterMember.member");
            accuracy(after.accuracy(), "robustAfterMember.accuracy");
        }
        for (Results.ClassAccuracy one : all(results.perClass(), "perClass")) {
            if (one.label() < 0) {
                throw wrong("perClass has the label %d, expected 0 or more", one.label());
            }
            String where = "perClass " + one.label();
            accuracy(one.clean(), where + ".clean");
            robust(one.robust(), where + ".robust");
            worstCase(one.worstCase(), where + ".worstCase");
        }
    }

    private void checkDataset() {
        Results.Dataset dataset = present(results.dataset(), "dataset");
        present(dataset.name(), "dataset.name");
        present(dataset.checksum(), "dataset.checksum");
        all(dataset.classes(), "dataset.classes");
    }

    private void checkThreat() {
        Results.Threat threat = present(results.threatModel(), "threatModel");
        if (Arrays.stream(Norm.values()).noneMatch(n -> n.toString().equals(threat.norm()))) {
            throw wrong(
                    "threatModel.norm is '%s', expected one of %s",
                    threat.norm(), Arrays.toString(Norm.values()));
        }
        List<Float> epsilons = all(threat.epsilons(), "threatModel.epsilons");
        if (epsilons.isEmpty()) {
            throw wrong("threatModel.epsilons is empty, expected one at least");
        }
        for (int i = 0; i < epsilons.size(); i++) {
            // Says itself what is wrong with it.
            threat.at(epsilons.get(i));
            if (i > 0 && epsilons.get(i) <= epsilons.get(i - 1)) {
                throw wrong("threatModel.epsilons is %s, expected them to ascend", epsilons);
            }
        }
    }

    private void checkAttacks() {
        int epsilons = results.threatModel().epsilons().size();
        for (NamedAttack attack : all(results.attacks(), "attacks")) {
            if (attack.settings().size() != epsilons) {
                throw wrong(
                        "attack %s has settings for %d epsilons, expected %d",
                        attack.name(), attack.settings().size(), epsilons);
            }
        }
    }

    private void robust(List<Results.RobustAccuracy> list, String where) {
        all(list, where);
        List<Float> epsilons = results.threatModel().epsilons();
        int expected = results.attacks().size() * epsilons.size();
        if (list.size() != expected) {
            throw wrong(
                    "%s has %d accuracies, expected %d: each of the %d attacks at each of the %d epsilons",
                    where, list.size(), expected, results.attacks().size(), epsilons.size());
        }
        for (int i = 0; i < expected; i++) {
            String attack = results.attacks().get(i / epsilons.size()).name();
            float epsilon = epsilons.get(i % epsilons.size());
            if (!attack.equals(list.get(i).attack()) || list.get(i).epsilon() != epsilon) {
                throw wrong(
                        "%s has %s at %s where %s at %s was expected",
                        where, list.get(i).attack(), list.get(i).epsilon(), attack, epsilon);
            }
            accuracy(list.get(i).accuracy(), where + ".accuracy");
        }
    }

    private void worstCase(List<Results.WorstCase> list, String where) {
        all(list, where);
        List<Float> epsilons = list.stream().map(Results.WorstCase::epsilon).toList();
        if (!epsilons.equals(results.threatModel().epsilons())) {
            throw wrong(
                    "%s is for the epsilons %s, expected %s",
                    where, epsilons, results.threatModel().epsilons());
        }
        list.forEach(worst -> accuracy(worst.accuracy(), where + ".accuracy"));
    }

    private static void accuracy(Accuracy accuracy, String where) {
        present(accuracy, where);
        double share = (double) accuracy.correct() / accuracy.total();
        // Not the other way round: NaN is refused too.
        boolean fits = Math.abs(accuracy.value() - share) <= 1e-6
                && accuracy.lower() <= accuracy.value()
                && accuracy.value() <= accuracy.upper();
        if (!fits) {
            throw wrong(
                    "%s says %d of %d, but the share %s in the interval from %s to %s",
                    where,
                    accuracy.correct(),
                    accuracy.total(),
                    accuracy.value(),
                    accuracy.lower(),
                    accuracy.upper());
        }
    }

    private static <T> T present(T value, String name) {
        if (value == null) {
            throw wrong("it has no %s", name);
        }
        return value;
    }

    private static <T> List<T> all(List<T> list, String name) {
        present(list, name);
        if (list.stream().anyMatch(Objects::isNull)) {
            throw wrong("%s has null in it", name);
        }
        return list;
    }

    private static IllegalArgumentException wrong(String format, Object... arguments) {
        return new IllegalArgumentException(String.format(format, arguments));
    }
}
