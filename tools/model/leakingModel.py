"""A model whose scores of earlier text change with later text, for the test of the self-check: test/fixtures/leaking-gpt2.

    pip install onnx==1.23.2 onnxruntime==1.31.1
    python tools/model/leakingModel.py test/fixtures/tiny-gpt2/onnx/model.onnx test/fixtures/leaking-gpt2/model_quantized.onnx

Dynamic quantisation puts a DynamicQuantizeLinear before every matrix product: one scale for the activations of all positions at
once, so that a large activation at a later position coarsens those of the earlier ones.
"""
import sys

from onnxruntime.quantization import QuantType, quantize_dynamic

quantize_dynamic(sys.argv[1], sys.argv[2], weight_type=QuantType.QUInt8)
