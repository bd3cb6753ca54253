#!/bin/sh
# Makes the parity files anew, with opencv_traincascade of OpenCV 3.4.18 (built by GCC):
#     tests/data/parity/make.sh path/to/opencv_traincascade
# Runs are named FEATURES_BOOSTING_DEPTH[_off]: "off" is without weight trimming.
set -e
trainer=$(realpath "$1")
cd "$(dirname "$0")"
python draw.py .
for run in LBP_GAB_1 LBP_GAB_2 LBP_GAB_3 LBP_DAB_1 LBP_DAB_2 LBP_DAB_3 LBP_RAB_1 LBP_RAB_2 \
           LBP_RAB_3 LBP_LB_1 LBP_LB_2 LBP_LB_3 \
           BASIC_GAB_1 CORE_GAB_2 ALL_GAB_3 BASIC_DAB_1 ALL_DAB_2 CORE_DAB_3 BASIC_RAB_1 \
           BASIC_RAB_2 ALL_RAB_3 BASIC_LB_1 CORE_LB_2 ALL_LB_3 LBP_GAB_1_off BASIC_GAB_1_off CORE_DAB_1_off; do
    features=${run%%_*} rest=${run#*_}
    boosting=${rest%%_*} rest=${rest#*_}
    depth=${rest%%_*}
    trim="-weightTrimRate 0.9"
    case $run in *_off) trim="-weightTrimRate 1" ;; esac
    case $features in LBP) kind="-featureType LBP" ;; *) kind="-featureType HAAR -mode $features" ;; esac
    case $run in LBP*|*_1*|*_2) stages=2 ;; *) stages=1 ;; esac
    mkdir -p run
    "$trainer" -data run -vec faces.vec -bg bg.txt -numPos 300 -numNeg 300 -numStages $stages -w 14 -h 12 \
        $kind -bt "$boosting" -maxDepth "$depth" $trim -minHitRate 0.99 -maxFalseAlarmRate 0.02 \
        -maxWeakCount 8 -precalcValBufSize 2048 -precalcIdxBufSize 2048 | tr '\r' '\n' | grep -E '^(POS count|NEG count|\| +[0-9])' > "$run.log"
    for stage in 0 1; do
        [ ! -f run/stage$stage.xml ] || mv run/stage$stage.xml "${run}_stage$stage.xml"
    done
    rm -r run
done
rm faces.vec bg.txt
