package io.github.remoe.cli;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.Fgsm;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.ThreatModel;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The attacks by the names that the literature's tables give them. */
final class AttackName {

    private static final Pattern PGD = Pattern.compile("pgd-([1-9]\\d{0,4})");

    private AttackName() {}

    /**
     * Creates attacks from names.
     *
     * @param names {@code fgsm} or {@code pgd-STEPS}
     * @param epsilon the l-infinity radius
     * @param stepSize the length of a step
     * @return the attacks by name, in order
     */
    static Map<String, Attack> create(List<String> names, float epsilon, float stepSize) {
        Map<String, Attack> attacks = new LinkedHashMap<>();
        for (String name : names) {
            attacks.put(name, create(name, epsilon, stepSize));
        }
        return attacks;
    }

    private static Attack create(String name, float epsilon, float stepSize) {
        Matcher pgd = PGD.matcher(name);
        if (name.equals("fgsm")) {
            return new Fgsm(ThreatModel.linf(epsilon));
        }
        if (pgd.matches()) {
            return Pgd.builder(ThreatModel.linf(epsilon))
                    .optStepSize(stepSize)
                    .optSteps(Integer.parseInt(pgd.group(1)))
                    .build();
        }
        throw new IllegalArgumentException(
                String.format("Unknown attack '%s'. Known attacks: fgsm, pgd-STEPS.", name));
    }
}
