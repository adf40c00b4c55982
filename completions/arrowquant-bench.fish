# SPDX-License-Identifier: Apache-2.0
# fish completion of arrowquant-bench. Options are those of --help, so that they are the installed
# program's; arrowquant.fish has the functions.

if not functions -q __arrowquant_options
    source (status dirname)/arrowquant.fish
end

complete -c arrowquant-bench -n 'string match -q -- "-*" (commandline -ct)' -f \
    -a '(__arrowquant_options (commandline -opc)[1])'
complete -c arrowquant-bench -n '__arrowquant_after --type' -f -a '(__arrowquant_types)'
complete -c arrowquant-bench -n '__arrowquant_after --mode' -f -a 'streaming batch'
complete -c arrowquant-bench -n '__arrowquant_after --dtype' -f -a 'f16 bf16 f32'
complete -c arrowquant-bench -n '__arrowquant_after --model-size --model-sizes' -f -a '100M 600M 7B 7B-seed'
complete -c arrowquant-bench -n '__arrowquant_after --sink' -f -a 'null file'
complete -c arrowquant-bench -n '__arrowquant_after --group' -f \
    -a 'parallel_quantization model_sizes streaming_vs_batch speedup_analysis'
complete -c arrowquant-bench -n '__arrowquant_after --export' -f \
    -a 'json= csv= markdown= html= google-benchmark= github= bencher='
