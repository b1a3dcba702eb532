package io.github.remoe.cli;

import ai.djl.Device;
import ai.djl.engine.Engine;

import picocli.CommandLine.Option;

/** The option that chooses where to compute. */
final class DeviceOption {

    @Option(
            names = "--device",
            paramLabel = "DEVICE",
            defaultValue = "auto",
            description = "cpu, gpu, or auto: the GPU if there is one. Default: ${DEFAULT-VALUE}.")
    private String device;

    Device device() {
        int gpus = Engine.getInstance().getGpuCount();
        return switch (device) {
            case "auto" -> gpus > 0 ? Device.gpu() : Device.cpu();
            case "cpu" -> Device.cpu();
            case "gpu" -> {
                if (gpus == 0) {
                    throw new IllegalArgumentException(
                            "There is no CUDA device, or the program was built for the CPU: build"
                                    + " with -Pcu121, or use --device cpu.");
                }
                yield Device.gpu();
            }
            default ->
                throw new IllegalArgumentException(
                        String.format("Unknown device '%s': choose cpu, gpu or auto.", device));
        };
    }
}
