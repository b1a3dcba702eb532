package io.github.remoe.run;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Says of a component of {@link RunConfig} what a user has to know: the one place that help texts,
 * defaults and checks come from.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
@interface Setting {

    /** What it means. */
    String value();

    /** The default, written as in a YAML file. */
    String byDefault();

    /** The smallest number allowed. */
    double min() default Double.NEGATIVE_INFINITY;

    /** The largest number allowed. */
    double max() default Double.POSITIVE_INFINITY;

    /** Whether the smallest number itself is not allowed. */
    boolean above() default false;

    /** What it belongs to. */
    RunConfig.Group group();

    /** Whether it is a path, or may be one, which can be written in several ways. */
    boolean path() default false;

    /** A shorter name that command lines take too, such as {@code lr}. */
    String alias() default "";
}
