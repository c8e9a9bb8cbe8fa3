"""The command line of `hwgen bench`: a subcommand per measurement."""

from __future__ import annotations

import argparse
from fractions import Fraction

from hwgen.bench.encoder import FRAME, channels
from hwgen.bench.linear_code import ratio
from hwgen.design_options import DesignOptions, add_options as add_design_options
from hwgen.limits import MOST_FPS, MOST_FRAMES, MOST_JOBS, SNRS_DB
from hwgen.option_values import Number, frame, path

TEXT = "measure what anybody can repeat: the datapath, the simulation, emit, NNgen beside hwgen"


def _datapath(arguments: argparse.Namespace) -> int:
    from hwgen.bench.datapath import bench, trained_models
    from hwgen.bench.encoder import CHANNELS

    models, channels = arguments.model, arguments.channels
    if not models and not channels:
        models = trained_models(arguments.side)
        channels = CHANNELS if arguments.side == "tx" else ()
    return bench(models, channels, board=arguments.board, fps=arguments.fps, frame=arguments.frame,
                 frames=arguments.frames, synth=not arguments.no_synth, as_json=arguments.json, csv=arguments.csv,
                 plot=arguments.plot, side=arguments.side, engine=arguments.engine, init=arguments.init)


def _engines(arguments: argparse.Namespace) -> int:
    from hwgen.bench.encoder import CHANNELS
    from hwgen.bench.engines import bench
    from hwgen.bench.shipped import UNBRANCHED

    models, channels = arguments.model, arguments.channels
    if not models and not channels:
        models, channels = UNBRANCHED, CHANNELS
    return bench(models, channels, board=arguments.board, as_json=arguments.json)


def _sim(arguments: argparse.Namespace) -> int:
    from hwgen.bench.simulation import bench

    return bench(DesignOptions.of(arguments), arguments.frames, arguments.cycles, as_json=arguments.json)


def _emit(arguments: argparse.Namespace) -> int:
    from hwgen.bench.emission import bench

    return bench(arguments.model, board=arguments.board, frame=arguments.frame, as_json=arguments.json)


def _peer(arguments: argparse.Namespace) -> int:
    from hwgen.peer.command import bench

    return bench(arguments.frame, arguments.board, synth=not arguments.no_synth, limit=arguments.synth_limit,
                 as_json=arguments.json)


def _shipped(arguments: argparse.Namespace) -> int:
    from hwgen.bench.shipped import bench

    return bench(arguments.model, record=arguments.record)


def _coverage(arguments: argparse.Namespace) -> int:
    from hwgen.bench.coverage import bench

    return bench(arguments.model, arguments.frames, arguments.directed, arguments.frame, as_json=arguments.json)


def _mutants(arguments: argparse.Namespace) -> int:
    from hwgen.mutants.command import bench

    return bench(arguments.model, arguments.component, arguments.count, arguments.seed, arguments.jobs,
                 as_json=arguments.json)


def _linear_code(arguments: argparse.Namespace) -> int:
    from hwgen.bench.linear_code import SNRS_DB, bench

    snrs = [snr for group in arguments.snr for snr in group] or SNRS_DB
    return bench(arguments.data, arguments.block, arguments.ratio, snrs, arguments.allocation, arguments.seed,
                 as_json=arguments.json)


def _block_errors(arguments: argparse.Namespace) -> int:
    from hwgen.bench.block_errors import SNRS_DB, bench

    snrs, cliffs = ([snr for group in groups for snr in group] for groups in (arguments.snr, arguments.cliff))
    return bench(snrs or SNRS_DB, arguments.blocks, cliffs, arguments.step, arguments.record, as_json=arguments.json)


def _semantic(arguments: argparse.Namespace) -> int:
    from hwgen.bench.semantic import SNRS_DB, bench, train

    if arguments.train is not None:
        return train(arguments.data, arguments.train, arguments.steps, arguments.seed)
    snrs = [snr for group in arguments.snr for snr in group] or SNRS_DB
    return bench(arguments.data, arguments.model, snrs, arguments.every, arguments.seed, arguments.cycles,
                 as_json=arguments.json)


def run(arguments: argparse.Namespace) -> int:
    """A measurement's own function stands in the arguments in this one's place."""
    raise AssertionError(arguments.bench)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands to `hwgen bench`."""
    benches = parser.add_subparsers(dest="bench", required=True, metavar="BENCH", help="what to measure")

    def bench(name: str, run: object, text: str) -> argparse.ArgumentParser:
        added = benches.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        added.set_defaults(run=run)
        return added

    datapath = bench("datapath", _datapath, "simulate and synthesise designs, and set them beside their roofline")
    datapath.add_argument("--model", action="append", default=[], metavar="M",
                          help="a specification, trained or with --init: a name, a folder or a path; may be repeated "
                               "(default: every trained one that comes with hwgen, and the channel lists of the "
                               "documentation)")
    add_design_options(datapath, "init", "engine")
    datapath.add_argument("--side", choices=("tx", "rx"), default="tx", help="of the models (default: tx)")
    datapath.add_argument("--channels", action="append", default=[], type=channels, metavar="A-B-C-D-E",
                          help="the paper's encoder with these output channels and random weights; may be repeated")
    datapath.add_argument("--board", default="pynq_z2", metavar="B", help="name or path (default: pynq_z2)")
    datapath.add_argument("--fps", type=Number("--fps", float, 0.001, MOST_FPS), metavar="N",
                          help="size all for that rate, with as little hardware as that takes (default: for as many "
                               "as the board allows)")
    datapath.add_argument("--frame", type=frame, metavar="WxH",
                          help="frame size in pixels of all (default: the specification's; of --channels 512x256)")
    datapath.add_argument("--frames", type=Number("--frames", int, 3, MOST_FRAMES), default=3, metavar="N",
                          help="frames, back to back; the interval is measured between the last two (default: 3)")
    datapath.add_argument("--no-synth", action="store_true", help="do not synthesise: predicted resources alone")
    datapath.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else there")
    datapath.add_argument("--csv", type=path("--csv"), metavar="FILE", help="write the table as CSV, too")
    datapath.add_argument("--plot", type=path("--plot"), metavar="FILE", help="draw the roofline, as .png or .svg")

    engines = bench("engines", _engines, "set a product for each tap beside what sizing chooses, as predicted")
    engines.add_argument("--model", action="append", default=[], metavar="M",
                         help="a specification: name, folder or path; may be repeated (default: every model that comes "
                              "with hwgen, and the channel lists of the documentation)")
    engines.add_argument("--channels", action="append", default=[], type=channels, metavar="A-B-C-D-E",
                         help="the paper's encoder with these output channels and random weights; may be repeated")
    engines.add_argument("--board", default="pynq_z2", metavar="B", help="name or path (default: pynq_z2)")
    engines.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else there")

    sim = bench("sim", _sim, "measure the simulation beside a bare C++ loop, and where a verification's time goes")
    add_design_options(
        sim, "model", "board", "frame", "init",
        model={"default": "cityscapes_conv",
               "help": "a name, a folder or a specification's path (default: cityscapes_conv)"},
    )  # fmt: skip
    sim.add_argument("--frames", type=Number("--frames", int, 1, MOST_FRAMES), default=3, metavar="N",
                     help="frames of the verification (default: 3)")
    sim.add_argument("--cycles", type=Number("--cycles", int, 1000, 1_000_000_000), default=1_000_000, metavar="N",
                     help="cycles of each run that measures speed (default: 1000000)")
    sim.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else")

    emit = bench("emit", _emit, "measure time and memory of emit, also for an encoder 2, 4 and 8 times as large")
    emit.add_argument("--model", default="cityscapes_conv", metavar="M",
                      help="a trained specification: name, folder or path (default: cityscapes_conv)")
    emit.add_argument("--board", default="pynq_z2", metavar="B",
                      help="name or path; the encoder has 1, 2, 4 and 8 times its resources (default: pynq_z2)")
    emit.add_argument("--frame", type=frame, default=FRAME, metavar="WxH",
                      help="frame size of the encoder (default: 512x256)")
    emit.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else")

    peer = bench("peer", _peer, "simulate and synthesise the same encoder by NNgen and by hwgen, with the same tools")
    peer.add_argument("--frame", type=frame, default=(32, 32), metavar="WxH", help="frame size (default: 32x32)")
    peer.add_argument("--board", default="pynq_z2", metavar="B",
                      help="name or path, of the 7 series: what hwgen's designs are sized for (default: pynq_z2)")
    peer.add_argument("--no-synth", action="store_true", help="do not synthesise: cycles alone")
    peer.add_argument("--synth-limit", type=Number("--synth-limit", float, 0.1, 100_000), default=30.0,
                      metavar="MINUTES",
                      help="processor minutes that each synthesis may take; one that takes longer is reported as such "
                           "(default: 30)")
    peer.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else there")

    coverage = bench("coverage", _coverage, "count what verify's default frames meet in every layer, and which wrong "
                                            "rules of rounding, saturation and PReLU they find")  # fmt: skip
    coverage.add_argument("--model", action="append", default=[], metavar="M",
                          help="a trained specification: a name, a folder or a path; may be repeated (default: all "
                               "that are shipped)")
    coverage.add_argument("--frame", type=frame, metavar="WxH",
                          help="frame size in pixels of all (default: the specification's)")
    coverage.add_argument("--frames", type=Number("--frames", int, 1, MOST_FRAMES), default=3, metavar="N",
                          help="photos, one for each profile at least (default: 3)")
    coverage.add_argument("--directed", type=Number("--directed", int, 0, 64), default=5, metavar="N",
                          help="at most so many directed frames, of each profile (default: 5)")
    coverage.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else")

    shipped = bench("shipped", _shipped, "compare the shipped models' designs with their recorded bytes")
    shipped.add_argument("--model", action="append", default=[], metavar="M",
                         help="a shipped model's name; may be repeated (default: all)")
    shipped.add_argument("--record", action="store_true", help="write the record anew instead")

    mutants = bench("mutants", _mutants, "put single faults into emitted Verilog and count those that verify finds")
    mutants.add_argument("--model", metavar="M",
                         help="a trained specification, both of whose sides are mutated (default: tiny, and small "
                              "random ones for the components that it lacks)")
    mutants.add_argument("--component", action="append", default=[], metavar="C",
                         help="a file of rtl/ without .py, such as requantise; may be repeated (default: all)")
    mutants.add_argument("--count", type=Number("--count", int, 1, 1000), default=100, metavar="N",
                         help="mutants of each component of each design (default: 100)")
    mutants.add_argument("--seed", type=Number("--seed", int, 0, 2**32 - 1), default=1, metavar="N",
                         help="of the choice of mutants (default: 1)")
    mutants.add_argument("--jobs", type=Number("--jobs", int, 1, MOST_JOBS), default=1, metavar="J",
                         help="simulations at a time (default: 1)")
    mutants.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else there")

    linear = bench("linear_code", _linear_code, "measure the linear code on images: the yardstick for a trained model")
    linear.add_argument("--data", required=True, metavar="DIR", help="training and validation images, as for train")
    linear.add_argument("--block", type=Number("--block", int, 1, 64), default=16, metavar="N",
                        help="width and height of a block in pixels (default: 16)")
    linear.add_argument("--ratio", type=ratio, default=Fraction(1, 6), metavar="K/N",
                        help="complex symbols per source sample (default: 1/6)")
    linear.add_argument("--snr", action="append", nargs="+", default=[], type=Number("--snr", float, *SNRS_DB),
                        metavar="DB", help="SNR in dB; a code is made for each (default: 1 4 7 10 13 19)")
    linear.add_argument("--allocation", choices=("quarter", "optimal"), default="quarter",
                        help="quarter (default): gains are variances to the power of -1/4; optimal: the least error")
    linear.add_argument("--seed", type=Number("--seed", int, 0, 2**32 - 1), default=0, metavar="N",
                        help="of the first image's noise, the next image's is one more (default: 0)")
    linear.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else")

    lost = bench("block_errors", _block_errors, "simulate LDPC blocks of 5G NR over AWGN, of the fastest schemes that "
                                                "an SNR carries: what the digital chain of link --sweep loses")
    lost.add_argument("--snr", action="append", nargs="+", default=[], type=Number("--snr", float, *SNRS_DB),
                      metavar="DB", help="SNRs in dB that a scheme is chosen for (default: 1 4 7 10 13 19)")
    lost.add_argument("--cliff", action="append", nargs="+", default=[], type=Number("--cliff", float, *SNRS_DB),
                      metavar="DB", help="of these SNRs' best schemes: also at ever lower SNRs, until all is lost")
    lost.add_argument("--step", type=Number("--step", float, 0.01, 10), default=0.25, metavar="DB",
                      help="between the SNRs of a cliff (default: 0.25)")
    lost.add_argument("--blocks", type=Number("--blocks", int, 1, 1_000_000), default=400, metavar="N",
                      help="blocks of each scheme at each SNR; fewer where 20 of them are wrong before (default: 400)")
    lost.add_argument("--record", action="store_true",
                      help="write the counts into hwgen/radio/block_errors.csv, over those of the same scheme and SNR")
    lost.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else there")

    semantic = bench("semantic", _semantic, "measure what a segmentation network sees in street scenes behind a link: "
                                            "pixel accuracy, Usc and Esc")
    semantic.add_argument("--data", type=path("--data"), required=True, metavar="DIR",
                          help="folder of train*.zip and val*.zip with images/ and labels/ (CamVid's 11 classes)")
    semantic.add_argument("--model", default="cityscapes_conv", metavar="M",
                          help="a trained model with both sides (default: cityscapes_conv)")
    semantic.add_argument("--snr", action="append", nargs="+", default=[], type=Number("--snr", float, *SNRS_DB),
                          metavar="DB", help="SNRs of the channel in dB (default: 1 4 7 10 13 19)")
    semantic.add_argument("--every", type=Number("--every", int, 1, 1000), default=1, metavar="N",
                          help="take every Nth validation image (default: 1)")
    semantic.add_argument("--cycles", type=Number("--cycles", int, 1, 10**12), metavar="N",
                          help="frame interval of the transmitter at these images' size, as verify measures it "
                               "(default: cycles do not count in Esc)")
    semantic.add_argument("--seed", type=Number("--seed", int, 0, 2**32 - 1), default=1, metavar="N",
                          help="of the first image's noise, the next image's is one more; of training (default: 1)")
    semantic.add_argument("--train", type=path("--train"), metavar="FILE",
                          help="train the segmentation network anew and write its weights there instead")
    semantic.add_argument("--steps", type=Number("--steps", int, 1, 1_000_000), default=400, metavar="N",
                          help="of that training (default: 400)")
    semantic.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else there")
