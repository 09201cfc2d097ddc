#!/usr/bin/env python3
"""Runs an ONNX model in ONNX Runtime on samples of a .npy file; run it with the private environment of peers.py.

Usage: ort_run.py MODEL.onnx SAMPLES.npy OUTPUT.npy [--batch N] [--fold]

SAMPLES: [count, ...] in float32. OUTPUT: the first output of the model, [count, ...]. --fold computes weights once,
when the model is loaded, instead of for every batch.
"""
import argparse

import numpy as np
import onnxruntime as ort


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("samples")
    parser.add_argument("output")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--fold", action="store_true")
    args = parser.parse_args()
    options = ort.SessionOptions()
    options.intra_op_num_threads = args.threads
    options.log_severity_level = 3
    if args.fold:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    session = ort.InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    samples = np.load(args.samples, mmap_mode="r")
    results = [session.run(None, {name: np.ascontiguousarray(samples[i : i + args.batch], dtype=np.float32)})[0]
               for i in range(0, len(samples), args.batch)]
    np.save(args.output, np.concatenate(results))


if __name__ == "__main__":
    main()
