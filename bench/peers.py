#!/usr/bin/env python3
"""tf2's cpu backend against ONNX Runtime and OpenVINO: same networks, same pictures, same threads, interleaved rounds.

Usage: peers.py [NETWORK...] [--threads N] [--batch N] [--rounds N] [--seconds S] [--bits LIST] [--isa LIST] [--json FILE]
       [--setup-only]

NETWORKS: squeezenet (trained weights), googlenet, resnet50, vgg16, efficientnet (seeded random weights), fc4096 (four fully connected
layers, batch 1), scaling (one thread against two), coldstart. Default: all. What is compared, and how each peer is
configured: bench/README.md. The peers come from PyPI (bench/requirements.txt) into build/peers.
"""
import argparse
import contextlib
import itertools
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / "build/peers"
WORK = ROOT / "build/peers-work"
SHARED = ROOT.parent / "shared/data"
TF2 = os.environ.get("TF2", str(ROOT / "build/release/tf2"))
BUILD = pathlib.Path(TF2).resolve().parent

MEAN = (104, 117, 123)
NETWORKS = {  # name: prototxt, weights or none, side of the input
    "squeezenet": ("models/caffe_squeezenet_v1.1/deploy.prototxt", "models/caffe_squeezenet_v1.1/squeezenet_v1.1.caffemodel", 227),
    "googlenet": ("networks/bvlc_googlenet/deploy.prototxt", None, 224),
    "resnet50": ("networks/resnet_he/ResNet-50-deploy.prototxt", None, 224),
    "vgg16": ("networks/soeaver/deploy_vgg16-pytorch.prototxt", None, 224),
}
FC_SIDE, FC_LAYERS = 4096, 4
CALIBRATION = 32  # samples, for every engine
PICTURES = 64     # timed, in turn


def setup():
    """The private environment; made once."""
    stamp = ENVIRONMENT / "requirements.txt"
    wanted = (ROOT / "bench/requirements.txt").read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"peers: installing into {ENVIRONMENT}", file=sys.stderr)
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
        subprocess.run([ENVIRONMENT / "bin/pip", "install", "--quiet", "-r", str(ROOT / "bench/requirements.txt")], check=True)
        stamp.write_text(wanted)


def readable(artifact):
    """Whether it has the format of this version of the program."""
    return subprocess.run([TF2, "inspect", str(artifact)], capture_output=True).returncode == 0


def run_tf2(*args):
    done = subprocess.run([TF2, *map(str, args), "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"tf2 {args[0]}: {done.stderr.strip()}")
    return json.loads(done.stdout.splitlines()[-1])


class Network:
    """The files of one network, made on demand and kept in build/peers-work."""

    def __init__(self, name):
        self.name = name
        self.folder = WORK / name
        self.folder.mkdir(parents=True, exist_ok=True)
        if name == "fc4096":
            self.model = [self._fc_prototxt(), "--random-weights", 1]
            self.data = self.samples()
            self.flags = ["--data", self.data]
        elif name == "efficientnet":
            import efficientnet
            self.side = efficientnet.SIDE
            self.model = [self.folder / "model.onnx"]
            if not self.model[0].exists():
                efficientnet.write(self.model[0])
            self._take_photographs()
        else:
            prototxt, weights, self.side = NETWORKS[name]
            if not (SHARED / prototxt).exists():
                raise RuntimeError(f"../shared/data/{prototxt} is absent")
            self.model = [SHARED / prototxt, *(["--weights", SHARED / weights] if weights else ["--random-weights", 1])]
            self._take_photographs()

    def _take_photographs(self):
        self.data = SHARED / "imagenet"
        if not self.data.exists():
            raise RuntimeError("../shared/data/imagenet is absent")
        self.flags = ["--data", self.data, "--mean", ",".join(map(str, MEAN)), "--order", "bgr"]

    def _fc_prototxt(self):
        path = self.folder / "fc.prototxt"
        layers = [f'layer {{ name: "data" type: "Input" top: "x0" input_param {{ shape {{ dim: 1 dim: {FC_SIDE} }} }} }}']
        for i in range(FC_LAYERS):
            layers.append(f'layer {{ name: "fc{i}" type: "InnerProduct" bottom: "x{i}" top: "y{i}" '
                          f'inner_product_param {{ num_output: {FC_SIDE} }} }}')
            layers.append(f'layer {{ name: "relu{i}" type: "ReLU" bottom: "y{i}" top: "x{i + 1}" }}')
        path.write_text('name: "fc4096"\n' + "\n".join(layers) + "\n")
        return path

    def samples(self):
        """What the peers are fed: preprocessed, [count, ...]."""
        import numpy as np
        import samples
        path = self.folder / "samples.npy"
        if not path.exists():
            if self.name == "fc4096":
                np.save(path, np.random.default_rng(1).normal(size=(PICTURES, FC_SIDE)).astype(np.float32))
            else:
                np.save(path, samples.pictures(self.data, PICTURES, self.side, "bgr", MEAN))
        return path

    def artifact(self, bits):
        path = self.folder / f"{bits}bit.tf2"
        if not path.exists() or not readable(path):
            # Compensation of seeded random weights would take hours and changes no time.
            method = "compensate" if self.name == "squeezenet" else "nearest"
            run_tf2("quantize", *self.model, *self.flags, "--limit", CALIBRATION, "--bits", bits, "--method", method, "-o", path)
        return path

    def float_onnx(self):
        """As imported, with an open batch: ONNX Runtime is given any number of samples, OpenVINO reshapes."""
        import onnx
        path = self.folder / "float.onnx"
        if not path.exists():
            run_tf2("export", *self.model, "--onnx", "--fuse", "-o", path)
            model = onnx.load(path)
            for value in (*model.graph.input, *model.graph.output):
                value.type.tensor_type.shape.dim[0].dim_param = "N"
            onnx.save(model, path)
        return path

    def ort_int8(self):
        """ONNX Runtime's static quantisation: QDQ, int8 weights per channel, uint8 features."""
        import numpy as np
        from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
        from onnxruntime.quantization.shape_inference import quant_pre_process
        path = self.folder / "ort-int8.onnx"
        if path.exists():
            return path
        data = np.load(self.samples())[:CALIBRATION]

        class Reader(CalibrationDataReader):
            def __init__(self, name):
                self.items = iter([{name: data[i : i + 1]} for i in range(len(data))])

            def get_next(self):
                return next(self.items, None)

        import onnx
        prepared = self.folder / "prepared.onnx"
        quant_pre_process(str(self.float_onnx()), str(prepared), skip_symbolic_shape=True)
        name = onnx.load(prepared, load_external_data=False).graph.input[0].name
        quantize_static(str(prepared), str(path), Reader(name), quant_format=QuantFormat.QDQ, per_channel=True,
                        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
        prepared.unlink()
        return path

    def openvino_int8(self):
        """NNCF's post-training quantisation with its default preset."""
        import nncf
        import numpy as np
        import openvino as ov
        path = self.folder / "nncf-int8.xml"
        if path.exists():
            return path
        data = np.load(self.samples())[:CALIBRATION]
        model = ov.Core().read_model(self.float_onnx())
        quantized = nncf.quantize(model, nncf.Dataset([data[i : i + 1] for i in range(len(data))]), subset_size=CALIBRATION)
        ov.save_model(quantized, path)
        return path


class Peer:
    """A worker process (peer_worker.py) that holds one compiled model."""

    def __init__(self, label, engine, model, network, args, processors=None):
        """processors: the only ones that it may use."""
        self.label = label
        hold = ["taskset", "--cpu-list", ",".join(map(str, processors))] if processors else []
        self.process = subprocess.Popen(
            [*hold, sys.executable, str(ROOT / "bench/peer_worker.py"), engine, str(model), str(network.samples()), str(args.threads),
             str(args.batch)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.ready = self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.label}: the worker ended")
        return json.loads(line)

    def measure(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Own:
    """tf2 bench on one artifact; a process each round, loading not counted."""

    def __init__(self, label, artifact, network, args, isa=None):
        self.label, self.args = label, args
        self.command = ["bench", artifact, "--data", network.data, "--limit", PICTURES, "--threads", args.threads,
                        "--batch", args.batch, "--summary", *(["--isa", isa] if isa else [])]

    def measure(self, seconds):
        report = run_tf2(*self.command, "--seconds", seconds)
        one = report["latency"]
        many = report.get("throughput", one)
        self.ready = {k: report[k] for k in ("backend", "isa")}
        return {"latency": one["images_per_s"], "latency_cpu_ms": one["cpu_ms_per_image"], "throughput": many["images_per_s"],
                "throughput_cpu_ms": many["cpu_ms_per_image"]}

    def close(self):
        pass


def own_label(bits, isa):
    return f"tf2 {bits}-bit" + (f" {isa}" if isa else "")


def contenders(network, args):
    """Ours, then every peer that works; those that do not are named with the reason."""
    out = [Own(own_label(bits, isa), network.artifact(bits), network, args, isa) for bits in args.bits for isa in args.isa]
    wanted = [("ORT float", "ort", network.float_onnx), ("ORT static int8", "ort", network.ort_int8),
              ("OpenVINO default", "openvino", network.float_onnx), ("OpenVINO int8 (NNCF)", "openvino", network.openvino_int8),
              ("OpenVINO int8 (ORT's QDQ)", "openvino", network.ort_int8)]
    for label, engine, make in wanted:
        try:
            out.append(Peer(label, engine, make(), network, args))
        except Exception as error:  # a peer may fail in any way
            print(f"  {label}: left out, {type(error).__name__}: {str(error)[:200]}")
    return out


def compare(name, args):
    network = Network(name)
    entries = contenders(network, args)
    rounds = {e.label: [] for e in entries}
    for _ in range(args.rounds):
        for e in entries:  # interleaved: whatever disturbs the machine disturbs all
            rounds[e.label].append(e.measure(args.seconds))
    for e in entries:
        e.close()
    figures = {label: {key: statistics.median(r[key] for r in runs) for key in runs[0]} for label, runs in rounds.items()}
    result = {"network": name, "threads": args.threads, "batch": args.batch, "figures": figures, "ratios": {}}
    print(f"\n{name}, threads: {args.threads}; images/s (ms of processor time an image), medians of {args.rounds} rounds")
    print(f"  {'':28} {'batch 1':>20} {'batch ' + str(args.batch):>20}")
    for label, f in figures.items():
        print(f"  {label:28} {f['latency']:10.1f} ({f['latency_cpu_ms']:7.2f}) {f['throughput']:10.1f} ({f['throughput_cpu_ms']:7.2f})")
    peers = [label for label in figures if "int8" in label]
    for own in (label for label in figures if label.startswith("tf2")):
        ratios = {}
        for key in ("latency", "throughput"):
            if not peers:
                continue
            best = max(peers, key=lambda label: figures[label][key])
            cheapest = min(peers, key=lambda label: figures[label][key + "_cpu_ms"])
            ratios[key] = {"peer": best, "images_per_s": figures[own][key] / figures[best][key],
                           "processor_time": figures[cheapest][key + "_cpu_ms"] / figures[own][key + "_cpu_ms"]}
            print(f"  {own} / best int8 peer ({best}), {key}: {ratios[key]['images_per_s']:.2f} x images/s, "
                  f"{ratios[key]['processor_time']:.2f} x by processor time")
        result["ratios"][own] = ratios
    return result


def fully_connected(args):
    """Four 4096 x 4096 layers at batch 1, whose weights do not fit the caches."""
    single = argparse.Namespace(**{**vars(args), "batch": 1})
    result = compare("fc4096", single)
    roofs = run_tf2("bench", Network("fc4096").artifact(4), "--threads", args.threads, "--batch", 1, "--seconds", args.seconds)["machine"]
    weights = FC_LAYERS * FC_SIDE * FC_SIDE
    result["bandwidth_share"] = {}
    for bits, isa in itertools.product(args.bits, args.isa):
        label = own_label(bits, isa)
        rate = result["figures"][label]["latency"]
        share = rate * weights * bits / 8 / roofs["read_bytes_per_s"]
        result["bandwidth_share"][label] = share
        print(f"  {label} reads {rate * weights * bits / 8 / 1e9:.2f} GB/s of weights: {share:.0%} of the "
              f"{roofs['read_bytes_per_s'] / 1e9:.2f} GB/s measured")
    return result


def ort_scaling(network, args):
    """Of ONNX Runtime's int8, as tf2_scaling_bench measures: {latency, throughput: two threads / the mean of one on each processor}."""
    model, processors = network.ort_int8(), sorted(os.sched_getaffinity(0))[:2]

    def peer(*held):
        held_args = argparse.Namespace(**{**vars(args), "threads": len(held)})
        return Peer("ORT static int8", "ort", model, network, held_args, held)

    ratios = {"latency": [], "throughput": []}
    with contextlib.ExitStack() as stack:
        peers = []
        for held in (processors[:1], processors, processors[1:]):
            peers.append(peer(*held))
            stack.callback(peers[-1].close)
        for _ in range(args.rounds):
            first, both, second = (p.measure(args.seconds) for p in peers)
            for key, of_rounds in ratios.items():
                of_rounds.append(2 * both[key] / (first[key] + second[key]))
    return {key: statistics.median(of_rounds) for key, of_rounds in ratios.items()}


def scaling(args):
    """One thread against two on ResNet-50, beside the machine's own ratio and ONNX Runtime's: all alternating."""
    program = BUILD / "bench/tf2_scaling_bench"
    if (BUILD / "CMakeCache.txt").exists():  # builds without tests leave it out
        made = subprocess.run(["cmake", "--build", BUILD, "--target", program.name], capture_output=True, text=True)
        if made.returncode != 0:
            raise RuntimeError(f"{program} could not be built: {(made.stdout + made.stderr).strip()[-300:]}")
    network = Network("resnet50")
    result = {"network": "resnet50", "measure": "two threads / one thread"}
    for bits, isa in itertools.product(args.bits, args.isa):
        done = subprocess.run([program, network.artifact(bits), "--threads", "2", "--batch", str(args.batch), "--rounds",
                               str(6 * args.rounds), *(["--isa", isa] if isa else [])], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{program.name}: {done.stderr.strip()[-200:]}")
        ratios = json.loads(done.stdout)
        result[f"{bits}bit {ratios['isa']}"] = ratios
        print(f"  resnet50 {bits}-bit, {ratios['isa']}, two threads / one thread: "
              + ", ".join(f"{key} {ratios[key]['ratio']:.2f} (best {ratios[key]['best']:.2f})" for key in ("single", "batch", "registers", "cache")))
        print("    images/s of one thread on each processor, of both: "
              + "; ".join(f"{key} {', '.join(f'{one:.0f}' for one in ratios[key]['one'])}, {ratios[key]['all']:.0f}" for key in ("single", "batch")))
    try:
        ratios = ort_scaling(network, args)
    except Exception as error:  # a peer may fail in any way
        print(f"  ORT static int8: left out, {type(error).__name__}: {str(error)[:200]}")
        return result
    for key, name in (("latency", "single"), ("throughput", "batch")):
        result[f"ort_int8_{name}"] = ratios[key]
        print(f"  resnet50 ORT static int8, {name}: two threads / one thread {ratios[key]:.2f}")
    return result


def cold_start(args):
    """Process start to the end of `tf2 run` on one picture with the SqueezeNet artifact."""
    network = Network("squeezenet")
    result = {"network": "squeezenet", "measure": "process start to first answer"}
    with tempfile.TemporaryDirectory() as folder:
        picture = sorted((SHARED / "imagenet").glob("*.jpg"))[0]
        (pathlib.Path(folder) / picture.name).symlink_to(picture)
        for bits, isa in itertools.product(args.bits, args.isa):
            command = [TF2, "run", str(network.artifact(bits)), "--data", folder, "--top", "1", "--threads", str(args.threads),
                       *(["--isa", isa] if isa else [])]
            label = own_label(bits, isa)
            times = []
            for _ in range(21):
                start = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True)
                times.append((time.perf_counter() - start) * 1e3)
            result[label] = {"median_ms": statistics.median(times[1:]), "least_ms": min(times[1:])}
            print(f"  squeezenet, {label}, cold start: median {statistics.median(times[1:]):.1f} ms, least {min(times[1:]):.1f} ms of 20")
    return result


def machine():
    import nncf
    import onnxruntime
    import openvino
    info = pathlib.Path("/proc/cpuinfo").read_text()
    flags = next((line for line in info.splitlines() if line.startswith("flags")), "").split()
    model = next((line.split(": ")[1] for line in info.splitlines() if line.startswith("model name")), platform.machine())
    wanted = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "amx_int8")
    return {"processor": model, "processors": len(os.sched_getaffinity(0)), "isa": [f for f in wanted if f in flags],
            "load": os.getloadavg()[0], "onnxruntime": onnxruntime.__version__, "openvino": openvino.__version__,
            "nncf": nncf.__version__}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--bits", type=lambda s: [int(b) for b in s.split(",")], default=[4, 8])
    parser.add_argument("--isa", type=lambda s: s.split(","), default=[None], help="instruction sets of tf2; default: the fastest")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--setup-only", action="store_true")
    args = parser.parse_args()
    setup()
    if args.setup_only:
        return
    if pathlib.Path(sys.prefix).resolve() != ENVIRONMENT.resolve():
        os.execv(ENVIRONMENT / "bin/python", [str(ENVIRONMENT / "bin/python"), *sys.argv])
    sys.path.insert(0, str(ROOT / "bench"))
    report = {"machine": machine(), "results": []}
    print(json.dumps(report["machine"]))
    other = {"fc4096": fully_connected, "scaling": scaling, "coldstart": cold_start}
    for name in args.networks or [*NETWORKS, "efficientnet", *other]:
        try:
            report["results"].append(other[name](args) if name in other else compare(name, args))
        except (RuntimeError, KeyError) as error:
            print(f"{name}: {error}")
            report["results"].append({"network": name, "error": str(error)})
        if args.json:
            args.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
