#!/usr/bin/env python3
"""Quantises an ONNX model with ONNX Runtime, to integer operators (QOperator); run it with the private environment of
peers.py.

Usage: ort_quantise.py MODEL.onnx SAMPLES.npy OUTPUT.onnx

SAMPLES: [count, ...] in float32, to calibrate on. Weights are int8 per channel, features uint8.
"""
import argparse

import numpy as np
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static


class Reader(CalibrationDataReader):
    """One sample at a time."""

    def __init__(self, model, samples):
        self.name = ort.InferenceSession(model, providers=["CPUExecutionProvider"]).get_inputs()[0].name
        self.samples = iter(np.load(samples, mmap_mode="r"))

    def get_next(self):
        sample = next(self.samples, None)
        return None if sample is None else {self.name: np.ascontiguousarray(sample[None], dtype=np.float32)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("samples")
    parser.add_argument("output")
    args = parser.parse_args()
    quantize_static(args.model, args.output, Reader(args.model, args.samples), quant_format=QuantFormat.QOperator,
                    per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)


if __name__ == "__main__":
    main()
