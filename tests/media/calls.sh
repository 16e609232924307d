#!/bin/sh
# Two real calls over loopback, one after the other: baresip calls baresip through Kamailio, rtpengine
# in between records. `sh tests/media/calls.sh DIR [SECONDS...]` has each recorder write straight into
# DIR (30 s; needs kamailio, rtpengine-daemon, baresip-core and ffmpeg) and says "over" at the end of each
# call. A tone of 440 Hz is all that is said.
set -eu
out=$1
shift
here=$(mktemp -d)
trap 'kill $(cat "$here"/*.pid) 2>/dev/null; rm -rf "$here"' EXIT
export TZ=Europe/Riga
# One block of ports for all that listens; another run beside this one needs another.
base=${PORTS:-15060}
proxy=$base control=$((base + 1)) caller=$((base + 21)) called=$((base + 12)) media=$((base + 100))
mkdir -p "$out/rtpengine" "$out/baresip"
cd "$here"
ffmpeg -v error -f lavfi -i sine=frequency=440:sample_rate=8000:duration=20 -ac 1 tone.wav

cat > kamailio.cfg <<CONFIG
#!KAMAILIO
debug=0
log_stderror=yes
children=1
listen=udp:127.0.0.1:$proxy
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:$control")
request_route {
    if (is_method("INVITE")) record_route();
    if (has_totag()) {
        if (is_method("BYE")) rtpengine_delete();
        if (loose_route() || is_method("ACK")) { t_relay(); exit; }
    }
    rtpengine_offer("replace-origin replace-session-connection record-call=on metadata=from:+37120000001|to:+37167000000");
    t_on_reply("ANSWER");
    rewritehostport("127.0.0.1:$called");
    t_relay();
}
onreply_route[ANSWER] {
    if (has_body("application/sdp")) rtpengine_answer("replace-origin replace-session-connection record-call=on");
}
CONFIG

phone() { # NAME PORT ACCOUNT DUMPS
    mkdir -p "$1" "$4"
    cat > "$1/config" <<CONFIG
audio_player aufile,/dev/null
audio_source aufile,$here/tone.wav
audio_alert aufile,/dev/null
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module sndfile.so
module_tmp account.so
module_app menu.so
snd_path $4
sip_listen 127.0.0.1:$2
CONFIG
    echo "$3" > "$1/accounts"
    : > "$1/contacts"
}
listens() { # PORT NAME: wait until it does; the end if it ended
    until grep -qi ":$(printf %04X "$1") " /proc/net/udp; do
        kill -0 "$(cat "$2.pid")"
        sleep 0.1
    done
}
phone a "$caller" "<sip:a@127.0.0.1:$caller>;regint=0;outbound=\"sip:127.0.0.1:$proxy;lr\"" "$out/baresip"
phone b "$called" "<sip:b@127.0.0.1:$called>;regint=0;answermode=auto" "$here/b/dumps"

rtpengine -f -E -i 127.0.0.1 -n "127.0.0.1:$control" --table=-1 -L 3 -m "$media" -M $((media + 100)) \
    --delete-delay=0 --recording-dir="$out/rtpengine" --recording-method=pcap > rtpengine.log 2>&1 &
echo $! > rtpengine.pid
listens "$control" rtpengine
kamailio -DD -E -f kamailio.cfg -m 64 -M 4 > kamailio.log 2>&1 &
echo $! > kamailio.pid
baresip -f b > b.log 2>&1 &
echo $! > b.pid
listens "$proxy" kamailio
listens "$called" b
made=0
for seconds in ${*:-3 5}; do
    baresip -f a -e "d sip:b@127.0.0.1:$proxy" -t "$seconds" > a.log 2>&1
    echo over
    made=$((made + 1))
    until [ "$(ls "$out/rtpengine/metadata" | wc -l)" -ge "$made" ]; do
        kill -0 "$(cat rtpengine.pid)"
        sleep 0.1
    done
    sleep 2
done
sleep 2
