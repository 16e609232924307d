#!/bin/sh
# Makes a corpus like the one in this directory, in a new directory: sh make.sh DIR
# Needs motion 4.5, ffmpeg and exiftool. See README.md for what each file is there for.
set -eu
mkdir "$1"
cd "$1"

# A grey scene of 320x240, a key frame a second, in which a white square moves for two seconds in every seven.
ffmpeg -v error -f lavfi -i color=gray:s=320x240:r=10:d=14 -pix_fmt yuv420p -c:v libx264 -crf 30 -g 10 \
    -vf "drawbox=x=mod(t*60\,280):y=100:w=60:h=60:color=white:t=fill:enable=between(mod(t\,7)\,2\,4)" \
    scene.mp4

record() { # DIRECTORY TZ: motion watches the scene as if it were a network camera there
    cat > motion.conf <<CONF
setup_mode off
camera_id 1
target_dir $PWD/$1
netcam_url file://$PWD/scene.mp4
width 320
height 240
framerate 10
threshold 800
minimum_motion_frames 1
event_gap 2
picture_output first
picture_filename %v-%Y%m%d%H%M%S-%q
movie_codec mp4
movie_quality 40
movie_filename %v-%Y%m%d%H%M%S
snapshot_interval 4
snapshot_filename %v-%Y%m%d%H%M%S-snapshot
webcontrol_port 0
stream_port 0
CONF
    mkdir "$1"
    TZ=$2 timeout 16 motion -n -c motion.conf > motion.log 2>&1 || true
    rm -f "$1"/lastsnap.jpg "$1"/0[2-9]-* # the first event is enough
}
record motion Europe/Riga
record motion-utc UTC
record motion-new-york America/New_York
rm -f motion-utc/*snapshot* motion-utc/*.mp4 motion-new-york/*snapshot* motion-new-york/*.mp4

# ffmpeg as the recorder of a network camera: segments, cut at key frames, named by local time.
mkdir ffmpeg
segments() { # MUXER SUFFIX OPTION...
    muxer=$1 suffix=$2
    shift 2
    TZ=Europe/Riga ffmpeg -v error -re -i scene.mp4 -t 4 -c copy -f segment \
        -segment_format "$muxer" -segment_time 2 -reset_timestamps 1 -strftime 1 "$@" \
        "ffmpeg/cam1-%Y-%m-%d_%H-%M-%S.$suffix"
}
segments mp4 mp4 -metadata creation_time=now
segments matroska mkv -metadata creation_time=now
date="-metadata creation_time=2026-11-22T01:10:00Z"
copy="ffmpeg -v error -i scene.mp4 -t 3 -c copy $date"
# The ways a recorder can lay an MP4 out: header in front, in fragments, with a total or without.
$copy -movflags faststart ffmpeg/faststart.mp4
$copy -movflags frag_keyframe+empty_moov+default_base_moof ffmpeg/fragments.mp4
$copy -movflags frag_keyframe ffmpeg/fragments-after-a-first-part.mp4
$copy -movflags use_metadata_tags \
    -metadata com.apple.quicktime.creationdate=2026-11-22T03:10:00+0200 ffmpeg/apple.mov
# A live Matroska stream has no duration; one written to a pipe has segments of unknown size.
$copy -f matroska -live 1 ffmpeg/live.mkv
$copy -f matroska - > ffmpeg/pipe.mkv
ffmpeg -v error -i scene.mp4 -t 2 -c:v libvpx $date ffmpeg/vp8.webm

# The same picture with other words in it.
mkdir edge
picture=$(find motion -name "*-0?.jpg")
exiftool -q -all= -o edge/no-exif.jpg "$picture"
exif() { # FILE TAG=VALUE...
    file=edge/$1
    shift
    exiftool -q -o "$file" "$@" edge/no-exif.jpg
}
exif dst-night.jpg -EXIF:DateTimeOriginal="2026:10:25 03:30:00"
exif year-1970.jpg -EXIF:DateTimeOriginal="1970:01:01 00:00:12"
exif year-2037.jpg -EXIF:DateTimeOriginal="2037:05:01 12:00:00"
exif unset.jpg -EXIF:DateTimeOriginal#="0000:00:00 00:00:00"
exif offset.jpg -EXIF:DateTimeOriginal="2026:11:22 03:10:00" -EXIF:OffsetTimeOriginal=+02:00 \
    -EXIF:SubSecTimeOriginal=987 -XMP:DateTimeOriginal="2026:11:22 03:10:00.987+02:00" \
    -EXIF:CreateDate="2026:11:22 03:10:01" -EXIF:OffsetTimeDigitized=+01:00 \
    -EXIF:ModifyDate="2026:11:22 05:00:00" -EXIF:OffsetTime=+03:00
exif little-endian.jpg -api ByteOrder=II -EXIF:ExifVersion=0232 \
    -EXIF:DateTimeOriginal="2026:11:22 03:10:00" -EXIF:OffsetTimeOriginal=-03:30
# EXIF that is not the first segment: a comment of 60 000 bytes stands before it.
python3 - <<PYTHON
data = open("edge/offset.jpg", "rb").read()
note = b"\xff\xfe" + (60_002).to_bytes(2, "big") + bytes(60_000)
open("edge/exif-late.jpg", "wb").write(data[:2] + note + data[2:])
PYTHON
# What a power cut leaves.
head -c 1200 "$picture" > edge/truncated.jpg
head -c 60 "$picture" > edge/truncated-in-exif.jpg
head -c 1500 ffmpeg/faststart.mp4 > edge/truncated.mp4
head -c 900 scene.mp4 > edge/no-moov.mp4
head -c 4096 /dev/zero > edge/zeroed.jpg
: > edge/empty.jpg
rm scene.mp4 motion.conf motion.log

# Calls, of a tone: with a broadcast date, with a list's date, for 4 GiB and more, and with neither.
mkdir calls
voice() { # FILE OPTION...
    file=calls/$1
    shift
    ffmpeg -v error -f lavfi -i sine=frequency=440:sample_rate=8000:duration=0.5 -bitexact "$@" "$file"
}
voice bext.wav -write_bext 1 -metadata origination_date=2026-11-22 \
    -metadata origination_time=03:10:00 -metadata description=call
voice icrd.wav -metadata date=2026-11-22
voice rf64.wav -rf64 always
voice alaw.wav -c:a pcm_alaw
voice plain.wav
voice dated.mp3 -c:a libmp3lame -b:a 16k -metadata date=2026-11-22T03:10:00
voice old-tag.mp3 -c:a libmp3lame -id3v2_version 3 \
    -metadata TYER=2026 -metadata TDAT=2211 -metadata TIME=0310
voice vbr.mp3 -c:a libmp3lame -q:a 6 -id3v2_version 0
voice bare.mp3 -c:a libmp3lame -b:a 32k -write_xing 0 -id3v2_version 0
voice dated.opus -c:a libopus -metadata date=2026-11-22T03:10:00+02:00
voice dated.ogg -c:a libvorbis -metadata date=2026-11-22
voice creation.m4a -c:a aac -metadata creation_time=2026-11-22T01:10:00Z
head -c 3000 calls/plain.wav > calls/truncated.wav
head -c 200 calls/bext.wav > calls/truncated-in-bext.wav
# A recorder that was killed: it fills in the lengths when the call ends.
python3 - <<PYTHON
data = bytearray(open("calls/plain.wav", "rb").read())
data[4:8] = bytes(4)
at = data.index(b"data") + 4
data[at : at + 4] = b"\xff\xff\xff\xff"
open("calls/killed.wav", "wb").write(data)
PYTHON
