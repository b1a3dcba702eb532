package io.github.remoe.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a distance in pixel values of [0,1], written as 0.03 or, as in the papers, 8/255. */
final class PixelValue implements ITypeConverter<Float> {

    @Override
    public Float convert(String text) {
        String[] parts = text.split("/", 2);
        try {
            float value = Float.parseFloat(parts[0]);
            return parts.length == 1 ? value : value / Float.parseFloat(parts[1]);
        } catch (NumberFormatException e) {
            throw new TypeConversionException(
                    String.format("'%s' is no number; write 8/255 or 0.03.", text));
        }
    }
}
