package io.github.remoe.evaluate;

import com.google.gson.annotations.SerializedName;

import java.util.Locale;

/**
 * The fields of a file in RobustBench's {@code model_info} folder (Croce et al. 2021), under its names
 * and in its formats, so that an entry can be copied out of {@code results.json}. What is not known
 * is null.
 *
 * @param link a link to the paper
 * @param name the paper's title
 * @param authors the paper's authors
 * @param additionalData whether training used images beyond the dataset's
 * @param numberForwardPasses how many forward passes one prediction takes
 * @param dataset {@code cifar10}, {@code cifar100} or {@code imagenet}
 * @param venue where the paper appeared
 * @param architecture the network
 * @param eps the radius, as in {@code 8/255} or {@code 0.5}
 * @param cleanAcc clean accuracy in per cent, two digits after the point
 * @param reported robust accuracy in per cent as the authors report it
 * @param autoattackAcc robust accuracy in per cent under standard AutoAttack, and under nothing else
 * @param footnote what a reader of the leaderboard should know
 * @param unreliable whether the evaluation is known to be potentially unreliable
 */
public record RobustBench(
        String link,
        String name,
        String authors,
        @SerializedName("additional_data") Boolean additionalData,
        @SerializedName("number_forward_passes") Integer numberForwardPasses,
        String dataset,
        String venue,
        String architecture,
        String eps,
        @SerializedName("clean_acc") String cleanAcc,
        String reported,
        @SerializedName("autoattack_acc") String autoattackAcc,
        String footnote,
        Boolean unreliable) {

    /**
     * Writes an accuracy as RobustBench does.
     *
     * @param share 0 to 1
     * @return per cent with two digits after the point
     */
    static String percent(double share) {
        return String.format(Locale.ROOT, "%.2f", 100 * share);
    }
}
